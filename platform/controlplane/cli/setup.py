"""`fairlead tenant …`: prerequisites of a client's first value: connections, element contracts and price books."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from uuid import UUID

import click

from billing.price_books.pricing import Terms
from billing.price_books.repository import NewPrice, NewPriceBook, create_price_book, set_price
from billing.sides import Side
from connectors.connections import get_connection
from connectors.poll_job import schedule_poll
from connectors.registry import build_registry
from controlplane import provisioning
from controlplane.cli.accounts import CLIENT_OF_MSP, MSP, TENANT
from controlplane.cli.admin import operator_scope, run_with_services
from controlplane.cli.files import read_first_line
from controlplane.provisioning import NewConnection
from controlplane.services import Services
from controlplane.terminal import say
from foundation.clock import utc_now
from foundation.errors import InvalidInput
from foundation.ids import new_id
from governance.propagation.meters import VERIFIED_DELIVERIES

_DATE = click.DateTime(formats=["%Y-%m-%d"])


@click.command("systems")
def systems() -> None:
    """The kinds of system that can be connected, and the settings each one takes."""
    for kind, connector in sorted(build_registry().items()):
        say(f"{kind}: {connector.manifest.title} ({connector.manifest.role})")
        for field in connector.manifest.fields:
            option = "--secret" if field.secret else "--set"
            needed = "needed" if field.required and not field.default else "optional"
            say(f"  {option} {field.name}=…  {field.label}, {needed}")


@click.command("connect")
@MSP
@TENANT
@click.option("--kind", required=True, help="One of `fairlead tenant systems`.")
@click.option("--name", required=True, help="What people call it, e.g. Web shop.")
@click.option("--url", required=True, help="The system's base address.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting; may be given again.")
@click.option(
    "--secret", "secrets", multiple=True, metavar="NAME=FILE", help="A secret, read from a file's first line; again."
)
def connect(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    tenant_id: UUID,
    kind: str,
    name: str,
    url: str,
    settings: tuple[str, ...],
    secrets: tuple[str, ...],
) -> None:
    """Connect one of a client's systems. A source that can be asked is asked from now on.

    Secrets are never arguments: other users of the machine can read those. They go to the vault.
    """
    new = NewConnection(
        kind,
        name,
        url,
        dict(_pairs(settings, "--set")),
        {n: read_first_line(Path(f), "--secret") for n, f in _pairs(secrets, "--secret")},
    )

    async def act(services: Services) -> str:
        connector = services.registry.get(kind)
        if connector is None:
            known = ", ".join(sorted(services.registry))
            raise InvalidInput(f"There is no system of kind “{kind}”. Choose one of: {known}.", field="kind")
        scope = operator_scope(msp_id, tenant_id)
        connection_id = await provisioning.connect(services, scope, new)
        told = [f"connection {connection_id}"]
        if connector.poll is not None:
            async with services.db.transaction(scope) as session:
                await schedule_poll(session, connection_id, at=utc_now())
            told.append("It is asked for its values from now on.")
        if connector.webhook is not None:
            told.append(f"Its webhooks go to /hooks/{connection_id} on any host of this installation.")
        return "\n".join(told)

    run_with_services(act)


@click.command("publish-contracts")
@MSP
@TENANT
@click.option("--source", type=click.UUID, required=True, help="The connection that is right about price, stock, cost.")
@click.option("--seconds", default=30.0, show_default=True, help="From release until a value must be visible.")
@click.option(
    "--decide-hours", default=24.0, show_default=True, help="From a proposal until people must have answered."
)
@click.option("--hours", default=4.0, show_default=True, help="Until an exception must be corrected.")
def publish_contracts(  # noqa: PLR0913 - click passes options by name
    *, msp_id: UUID, tenant_id: UUID, source: UUID, seconds: float, decide_hours: float, hours: float
) -> None:
    """Say which system is right about a client's prices, stock and costs, and how soon a value must be visible."""

    async def act(services: Services) -> str:
        scope = operator_scope(msp_id, tenant_id)
        async with services.db.transaction(scope) as session:
            found = await get_connection(session, source)
        if found.role != "erp":
            raise InvalidInput(
                f"“{found.name}” is a channel. Name the system that is right about values.", field="source"
            )
        clocks = {"propagation_slo": timedelta(seconds=seconds), "correction_slo": timedelta(hours=hours)}
        clocks["decision_slo"] = timedelta(hours=decide_hours)
        await provisioning.publish_contracts(services, scope, source, **clocks)
        return f"prices, stock and costs are {found.name}'s"

    run_with_services(act)


@click.command("price-book")
@MSP
@click.option("--tenant", "tenant_id", type=CLIENT_OF_MSP, help="A client with retail prices of its own.")
@click.option("--side", type=click.Choice([side.value for side in Side]), required=True)
@click.option("--currency", required=True, help="ISO 4217, e.g. EUR.")
@click.option("--name", default="Standard", show_default=True)
def price_book(*, msp_id: UUID, tenant_id: UUID | None, side: str, currency: str, name: str) -> None:
    """Open a price book: wholesale is what the MSP is charged, retail is what it charges its clients."""

    async def act(services: Services) -> str:
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            book = NewPriceBook(Side(side), currency, name, tenant_id)
            return f"price book {await create_price_book(session, book, now=utc_now(), new_id=new_id)}"

    run_with_services(act)


@click.command("set-price")
@MSP
@click.option("--book", type=click.UUID, required=True, help="The price book's id.")
@click.option("--meter", default=VERIFIED_DELIVERIES.name, show_default=True)
@click.option("--description", default="Verified updates", show_default=True, help="On the invoice.")
@click.option("--unit-price", required=True, help="In the book's currency, e.g. 0.03.")
@click.option("--included", default=0, show_default=True, help="Units a month that cost nothing.")
@click.option("--from", "begins", type=_DATE, help="A day (UTC); without it, now. The price before it ends then.")
def price(  # noqa: PLR0913 - click passes options by name
    *, msp_id: UUID, book: UUID, meter: str, description: str, unit_price: str, included: int, begins: datetime | None
) -> None:
    """Set what one unit of a meter costs from a day on. A price that was in force stays as it was."""
    try:
        terms = Terms(Decimal(unit_price), included)
    except InvalidOperation:
        raise click.BadParameter("A price is a number, such as 0.03.", param_hint="--unit-price") from None

    async def act(services: Services) -> str:
        now = utc_now()
        line = NewPrice(meter, description, terms, begins.replace(tzinfo=UTC) if begins is not None else now)
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            return f"price {await set_price(session, book, price=line, now=now, new_id=new_id)}"

    run_with_services(act)


def _pairs(given: tuple[str, ...], option: str) -> Iterable[tuple[str, str]]:
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"Write it as NAME=…, not “{name}”.", param_hint=option)
        yield name, value


SETUP = (systems, connect, publish_contracts, price_book, price)
