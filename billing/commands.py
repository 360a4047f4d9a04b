"""Commands of price books and invoices. An MSP may close retail invoices itself; wholesale is the operator's."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from uuid import UUID

import click

from billing.invoices.draft import close_period
from billing.periods import parse_month
from billing.price_books.pricing import Terms
from billing.price_books.repository import NewPrice, NewPriceBook, create_price_book, set_price
from billing.sides import Side
from foundation.audit.chain import append_audit
from foundation.clock import utc_now
from foundation.commands import command_host, operator_scope, run_with_services
from foundation.database.engine import change_scope
from foundation.errors import InvalidInput
from foundation.ids import new_id
from foundation.rooms import AppServices, CliCommand
from tenants.command_options import CLIENT_OF_MSP, MSP, TENANT

_DATE = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def billing() -> None:
    """Invoices."""


@billing.command("close")
@MSP
@TENANT
@click.option("--month", required=True, help="Which one, e.g. 2026-03; it must be over.")
@click.option("--side", type=click.Choice([side.value for side in Side]), default=Side.RETAIL.value, show_default=True)
def close(msp_id: UUID, tenant_id: UUID, month: str, side: str) -> None:
    """Rate what is left of a client's month and close its invoice. Usage that arrives later is billed next."""
    try:
        period = parse_month(month)
    except InvalidInput as error:
        raise click.BadParameter(error.detail, param_hint="--month") from error

    async def act(services: AppServices) -> str:
        scope, now = operator_scope(msp_id, tenant_id), utc_now()
        async with services.db.transaction(scope) as session:
            closed = await close_period(session, side=Side(side), period=period, now=now)
            if closed.side is Side.WHOLESALE:  # audited in the MSP account: the client can read its own chain
                await change_scope(session, scope.for_tenant(msp_id))
                data = {"total_minor": closed.total_minor, "currency": closed.currency, "hash": closed.content_hash}
                append_audit(session, action="invoice.closed", subject=f"invoice:{closed.id}", data=data, at=now)
        return f"invoice {closed.id} closed: {closed.total_minor} minor units of {closed.currency}"

    run_with_services(act)


@click.command("price-book")
@MSP
@click.option("--tenant", "tenant_id", type=CLIENT_OF_MSP, help="A client with retail prices of its own.")
@click.option("--side", type=click.Choice([side.value for side in Side]), required=True)
@click.option("--currency", required=True, help="ISO 4217, e.g. EUR.")
@click.option("--name", default="Standard", show_default=True)
def price_book(*, msp_id: UUID, tenant_id: UUID | None, side: str, currency: str, name: str) -> None:
    """Open a price book: wholesale is what the MSP is charged, retail is what it charges its clients."""

    async def act(services: AppServices) -> str:
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            book = NewPriceBook(Side(side), currency, name, tenant_id)
            return f"price book {await create_price_book(session, book, now=utc_now(), new_id=new_id)}"

    run_with_services(act)


@click.command("set-price")
@MSP
@click.option("--book", type=click.UUID, required=True, help="The price book's id.")
@click.option("--meter", "meter_name", help="What is counted; needed where there are several meters.")
@click.option("--description", help="On the invoice; without it, the meter's own label.")
@click.option("--unit-price", required=True, help="In the book's currency, e.g. 0.03.")
@click.option("--included", default=0, show_default=True, help="Units a month that cost nothing.")
@click.option("--from", "begins", type=_DATE, help="A day (UTC); without it, now. The price before it ends then.")
def price(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    book: UUID,
    meter_name: str | None,
    description: str | None,
    unit_price: str,
    included: int,
    begins: datetime | None,
) -> None:
    """Set what one unit of a meter costs from a day on. A price that was in force stays as it was."""
    try:
        terms = Terms(Decimal(unit_price), included)
    except InvalidOperation:
        raise click.BadParameter("A price is a number, such as 0.03.", param_hint="--unit-price") from None
    meter = command_host().rooms.meters.require(meter_name)

    async def act(services: AppServices) -> str:
        now = utc_now()
        from_ = begins.replace(tzinfo=UTC) if begins is not None else now
        line = NewPrice(meter.name, description or meter.label, terms, from_)
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            return f"price {await set_price(session, book, price=line, now=now, new_id=new_id)}"

    run_with_services(act)


COMMANDS: Final = (
    CliCommand(command=billing),
    CliCommand(command=price_book, under="tenant"),
    CliCommand(command=price, under="tenant"),
)
