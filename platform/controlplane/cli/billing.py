"""Commands that close invoices of both sides. An MSP may close retail invoices itself; wholesale is the operator's."""

from uuid import UUID

import click

from billing.invoices.draft import close_period
from billing.periods import parse_month
from billing.sides import Side
from controlplane.cli.accounts import MSP, TENANT
from controlplane.cli.admin import operator_scope, run_with_services
from controlplane.services import Services
from foundation.audit.chain import append_audit
from foundation.clock import utc_now
from foundation.database.engine import change_scope
from foundation.errors import InvalidInput


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

    async def act(services: Services) -> str:
        scope, now = operator_scope(msp_id, tenant_id), utc_now()
        async with services.db.transaction(scope) as session:
            closed = await close_period(session, side=Side(side), period=period, now=now)
            if closed.side is Side.WHOLESALE:  # audited in the MSP account: the client can read its own chain
                await change_scope(session, scope.for_tenant(msp_id))
                data = {"total_minor": closed.total_minor, "currency": closed.currency, "hash": closed.content_hash}
                append_audit(session, action="invoice.closed", subject=f"invoice:{closed.id}", data=data, at=now)
        return f"invoice {closed.id} closed: {closed.total_minor} minor units of {closed.currency}"

    run_with_services(act)
