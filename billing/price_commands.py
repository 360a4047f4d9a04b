"""`fairlead price-book` and `price`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from billing.client_prices.prices import PricedClient, set_client_price
from billing.periods import parse_month
from billing.price_books.books import ALL_BOOKS, find_price_book, list_price_books, load_price_book
from billing.price_books.cells import PriceCell
from billing.price_books.inputs import RulesInput, TermsInput
from billing.price_books.pricing import PriceKind, Terms
from billing.price_books.repository import NewPrice, NewPriceBook, create_price_book, set_price
from billing.price_books.unit_costs import UnitCostInput, set_unit_cost
from billing.pricing.rounding import Rounding
from billing.pricing.tiers import PriceTier
from billing.sides import Side
from billing.simulation.run import check_change, last_month
from billing.simulation.schemas import PriceDraft
from billing.simulation.simulate import simulate
from billing.usage.meters import add_declared
from foundation.clock import utc_now
from foundation.commands import (
    CommandResult,
    NounGroup,
    build_input,
    command_host,
    operator_scope,
    read_pairs,
    run_in_account,
    run_with_services,
)
from foundation.ids import new_id
from foundation.rooms import AppServices, CliCommand
from tenants.accounts import get_client
from tenants.command_options import CLIENT, CLIENT_OF_MSP, MSP

F = TypeVar("F", bound=Callable[..., Any])
_DATE = click.DateTime(formats=["%Y-%m-%d"])


class DecimalNumber(click.ParamType[Decimal]):
    """Parameter type: a decimal number."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            return Decimal(value)
        except (InvalidOperation, TypeError, ValueError):
            self.fail("A number, such as 0.03.", param, ctx)


class Tier(click.ParamType[PriceTier]):
    """Parameter type: `100=0.5`, `100=0.5+2` with a fee on entering, `rest=0.25` for the last tier."""

    name = "UP_TO=PRICE[+FEE]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> PriceTier:
        up_to, _, rest = str(value).partition("=")
        price, _, fee = rest.partition("+")
        try:
            bound = None if up_to == "rest" else Decimal(up_to)
            return PriceTier(bound, Decimal(price), Decimal(fee or 0))
        except InvalidOperation:
            self.fail("A tier is written as 100=0.5, the last one as rest=0.25.", param, ctx)


class CellOption(click.ParamType[PriceCell]):
    """Parameter type: `region=eu:0.05`, `region=eu,size=large:0.08` with two dimensions."""

    name = "DIMENSION=VALUE[,…]:PRICE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> PriceCell:
        values, _, price = str(value).rpartition(":")
        pairs = [one.partition("=") for one in values.split(",")]
        dims = {name.strip(): wanted.strip() for name, equals, wanted in pairs if equals}
        try:
            return PriceCell(dims, Decimal(price if len(dims) == len(pairs) else ""))
        except InvalidOperation:
            self.fail("A cell is written as region=eu:0.05, or region=eu,size=large:0.08.", param, ctx)


NUMBER: Final = DecimalNumber()
BOOK: Final = click.option("--book", type=click.UUID, required=True, help="ID of the price book.")
_TERMS: Final = (
    click.option(
        "--kind",
        type=click.Choice([one.value for one in PriceKind]),
        default=PriceKind.PER_UNIT.value,
        show_default=True,
        help="How usage becomes an amount.",
    ),
    click.option("--unit-price", type=NUMBER, help="Price of a unit, a package or a month, e.g. 0.03."),
    click.option("--included", type=NUMBER, default="0", show_default=True, help="Units per month without charge."),
    click.option("--tier", "tiers", type=Tier(), multiple=True, help="A tier, e.g. 100=0.5; the last one: rest=0.25."),
    click.option("--cell", "cells", type=CellOption(), multiple=True, help="Price by dimension, e.g. region=eu:0.05."),
    click.option("--size", type=NUMBER, default="0", help="Units in a package or block."),
    click.option("--rate", "rate_pct", type=NUMBER, default="0", help="Per cent of the quantity, of a percentage."),
    click.option("--per-event", type=NUMBER, default="0", help="Fee for each event, of a percentage."),
    click.option("--minimum", type=NUMBER, help="What a month with usage costs at least."),
    click.option("--maximum", type=NUMBER, help="What a month costs at most."),
)


def terms_options(command: F) -> F:
    """The options of a price's terms, in this order."""
    for option in reversed(_TERMS):
        command = option(command)
    return command


def read_terms(options: Mapping[str, Any]) -> Terms:
    """Raises PriceNotAllowed."""
    return TermsInput(**{**options, "kind": PriceKind(options["kind"])}).terms


@click.group("price-book", cls=NounGroup)
def price_book() -> None:
    """Price books of an MSP."""


@price_book.command("create")
@MSP
@click.option("--client", "tenant_id", type=CLIENT_OF_MSP, help="A client with retail prices of its own.")
@click.option(
    "--side",
    type=click.Choice([side.value for side in Side]),
    required=True,
    help="wholesale: what the MSP pays; retail: what the MSP charges its clients.",
)
@click.option("--currency", required=True, help="ISO 4217 code, e.g. EUR.")
@click.option("--name", default="Standard", show_default=True, help="Name of the price book.")
@click.option(
    "--rounding",
    type=click.Choice([one.value for one in Rounding]),
    default=Rounding.HALF_UP.value,
    show_default=True,
    help="How each line is rounded.",
)
@click.option("--rule", "rules", multiple=True, help="Another rule than usual, such as bills_last_day=true.")
def create_price_book_(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    tenant_id: UUID | None,
    side: str,
    currency: str,
    name: str,
    rounding: str,
    rules: tuple[str, ...],
) -> None:
    """Create a price book."""
    typed = build_input(RulesInput, {**dict(read_pairs(rules, "--rule")), "rounding": rounding})

    async def act(session: AsyncSession) -> CommandResult:
        book = NewPriceBook(Side(side), currency, name, tenant_id, typed.rules)
        book_id = await create_price_book(session, book, now=utc_now(), new_id=new_id)
        return CommandResult(f"price book {book_id}", {"id": book_id, "side": side, "currency": currency})

    run_in_account(operator_scope(msp_id, msp_id), act)


@price_book.command("list")
@MSP
def list_price_books_(*, msp_id: UUID) -> None:
    """List the price books of an MSP, both sides."""

    async def act(session: AsyncSession) -> CommandResult:
        books = (await list_price_books(session, ALL_BOOKS)).items
        lines = [f"{book.id}  {book.side}  {book.currency}  {book.client_id or '-'}  {book.name}" for book in books]
        return CommandResult("\n".join(lines) or "no price books", books)

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


@price_book.command("show")
@MSP
@BOOK
def show_price_book_(*, msp_id: UUID, book: UUID) -> None:
    """Show the prices of a price book, the newest of each meter first, with the markup over the MSP's cost."""

    async def act(session: AsyncSession) -> CommandResult:
        detail = await load_price_book(session, book, now=utc_now())
        lines = [
            f"{one.price.meter}  {one.validity}  from {one.price.valid_from:%Y-%m-%d}  {one.price.text}"
            + (f", {one.price.limits}" if one.price.limits else "")
            + (f"  markup {one.markup_pct}%" if one.markup_pct is not None else "")
            for one in detail.prices
        ]
        lines += [f"{one.meter}  unit cost {one.unit_cost} from {one.month}" for one in detail.unit_costs]
        return CommandResult("\n".join(lines) or "no prices", detail)

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


@price_book.command("simulate")
@MSP
@BOOK
@click.option("--client", "tenant_id", type=CLIENT_OF_MSP, help="The only client to look at; default: all.")
@click.option("--month", default="", help="Such as 2026-03; default: the last one that has ended.")
@click.option("--change", "change_pct", type=NUMBER, default="0", help="Change of all prices in percent, e.g. -2.5.")
@click.option("--meter", "meter_name", help="Meter of a price to try out, which the options below describe.")
@terms_options
def simulate_(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    book: UUID,
    tenant_id: UUID | None,
    month: str,
    change_pct: Decimal,
    meter_name: str | None,
    **terms: Any,
) -> None:
    """Show the cost of a month's usage by other prices, per meter and client. Nothing is changed."""
    wanted, change = read_terms(terms) if meter_name is not None else None, check_change(change_pct)

    async def act(services: AppServices) -> CommandResult:
        now = utc_now()
        period = parse_month(month) if month else last_month(now)
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            meters = await add_declared(session, command_host().rooms.meters)
        drafted = {} if wanted is None else {meters.require(meter_name).name: wanted}
        async with services.db.transaction(operator_scope(msp_id, msp_id).for_fleet()) as session:
            found = await simulate(
                session, await find_price_book(session, book), PriceDraft(drafted, change), period=period,
                client_id=tenant_id, now=now, new_id=new_id,
            )  # fmt: skip
        lines = [f"{one.meter}: {one.old_minor} -> {one.new_minor}" for one in found.by_meter]
        lines += [f"client {one.client_id}: {one.old_minor} -> {one.new_minor}" for one in found.by_client]
        total = f"{period.start:%Y-%m}: {found.old_minor} -> {found.new_minor} minor units of {found.currency}"
        return CommandResult("\n".join([total, *lines]), found)

    run_with_services(act)


@price_book.command("set-cost")
@MSP
@BOOK
@click.option("--meter", "meter_name", required=True, help="What is counted.")
@click.option("--cost", type=NUMBER, required=True, help="What a unit costs you, e.g. 0.02.")
@click.option("--month", default="", help="From this month on, e.g. 2026-03; default: this month.")
def set_unit_cost_(*, msp_id: UUID, book: UUID, meter_name: str, cost: Decimal, month: str) -> None:
    """Set the MSP's cost of a unit of a meter. Profit uses it where no vendor's bill is mapped."""

    async def act(session: AsyncSession) -> CommandResult:
        meters = await add_declared(session, command_host().rooms.meters)
        wanted = UnitCostInput(meter=meter_name, unit_cost=cost, month=month)
        made = await set_unit_cost(session, meters, book, wanted, now=utc_now(), new_id=new_id)
        return CommandResult(f"unit cost {made}", {"id": made, "book": book, "meter": meter_name})

    run_in_account(operator_scope(msp_id, msp_id), act)


@click.group(cls=NounGroup)
def price() -> None:
    """Prices of meters."""


@price.command("set")
@MSP
@BOOK
@click.option("--meter", "meter_name", help="What is counted; required if there are several meters.")
@click.option("--description", help="Text on the invoice; default: the meter's label.")
@terms_options
@click.option("--from", "begins", type=_DATE, help="First day (UTC); default: now. The earlier price ends then.")
def set_price_(
    *,
    msp_id: UUID,
    book: UUID,
    meter_name: str | None,
    description: str | None,
    begins: datetime | None,
    **terms: Any,
) -> None:
    """Set the price of a meter from a day on. Earlier prices are kept for earlier usage."""
    wanted = read_terms(terms)

    async def act(session: AsyncSession) -> CommandResult:
        now = utc_now()
        from_ = begins.replace(tzinfo=UTC) if begins is not None else now
        meter = (await add_declared(session, command_host().rooms.meters)).require(meter_name)
        line = NewPrice(meter.name, description or meter.label, wanted, from_)
        price_id = await set_price(session, book, price=line, now=now, new_id=new_id)
        return CommandResult(f"price {price_id}", {"id": price_id, "book": book, "meter": meter.name})

    run_in_account(operator_scope(msp_id, msp_id), act)


@price.command("set-client")
@MSP
@CLIENT
@click.option("--meter", "meter_name", help="What is counted; required if there are several meters.")
@click.option("--description", help="Text on the invoice; default: the meter's label.")
@terms_options
@click.option("--from", "begins", type=_DATE, help="First day (UTC); default: now. The earlier price ends then.")
def set_client_price_(
    *,
    msp_id: UUID,
    tenant_id: UUID,
    meter_name: str | None,
    description: str | None,
    begins: datetime | None,
    **terms: Any,
) -> None:
    """Set a retail price of one client, in place of the common one."""
    wanted = read_terms(terms)

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            client = await get_client(session)
            priced = PricedClient(client.tenant_id, client.currency)
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            meter = (await add_declared(session, command_host().rooms.meters)).require(meter_name)
            made = await set_client_price(
                session, priced, meter=meter.name, description=description or meter.label, terms=wanted,
                valid_from=None if begins is None else begins.replace(tzinfo=UTC), now=utc_now(), new_id=new_id,
            )  # fmt: skip
        return CommandResult(f"price {made.price_id}", {"id": made.price_id, "book": made.book_id, "meter": meter.name})

    run_with_services(act)


PRICE_COMMANDS: Final = (CliCommand(command=price_book), CliCommand(command=price))
