"""`fairlead invoice`. MSPs can close retail invoices; wholesale only the operator can."""

from datetime import datetime
from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.invoices.draft import close_period, close_wholesale
from billing.invoices.settle import (
    InvoiceAct,
    NewCredit,
    NewPayment,
    act_on_invoice,
    create_credit_note,
    record_payment,
)
from billing.periods import parse_month
from billing.price_commands import PRICE_COMMANDS
from billing.sides import Side
from foundation.audit.chain import append_audit
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.database.engine import change_scope
from foundation.errors import InvalidInput
from foundation.ids import new_id
from foundation.rooms import AppServices, CliCommand
from tenants.command_options import CLIENT, MSP

_DATE = click.DateTime(formats=["%Y-%m-%d"])


@click.group(cls=NounGroup)
def invoice() -> None:
    """Invoices."""


@invoice.command("close")
@MSP
@CLIENT
@click.option("--month", required=True, help="A month that has ended, e.g. 2026-03.")
@click.option(
    "--side",
    type=click.Choice([side.value for side in Side]),
    default=Side.RETAIL.value,
    show_default=True,
    help="wholesale: what the MSP pays; retail: what the MSP charges the client.",
)
def close(msp_id: UUID, tenant_id: UUID, month: str, side: str) -> None:
    """Rate the remaining usage of a client's month and close its invoice. Later usage is billed in the next month."""
    try:
        period = parse_month(month)
    except InvalidInput as error:
        raise click.BadParameter(error.detail, param_hint="--month") from error

    async def act(services: AppServices) -> CommandResult:
        scope, now = operator_scope(msp_id, tenant_id), utc_now()
        async with services.db.transaction(scope) as session:
            closed = await close_period(session, side=Side(side), period=period, now=now)
            data = {"total_minor": closed.total_minor, "currency": closed.currency, "hash": closed.content_hash}
            if closed.side is Side.WHOLESALE:  # audited in the MSP account: the client can read its own chain
                await change_scope(session, scope.for_tenant(msp_id))
                append_audit(
                    session, action=BillingAction.INVOICE_CLOSED, subject=f"invoice:{closed.id}", data=data, at=now
                )
        return CommandResult(
            f"invoice {closed.id} closed: {closed.total_minor} minor units of {closed.currency}",
            {"id": closed.id, **data},
        )

    run_with_services(act)


@invoice.command("close-wholesale")
@MSP
@click.option("--month", required=True, help="A month that has ended, e.g. 2026-03.")
def close_wholesale_(*, msp_id: UUID, month: str) -> None:
    """Issue the wholesale invoice of an MSP, once the shares of all its clients are closed."""
    try:
        period = parse_month(month)
    except InvalidInput as error:
        raise click.BadParameter(error.detail, param_hint="--month") from error

    async def act(session: AsyncSession) -> CommandResult:
        closed = await close_wholesale(session, period=period, now=utc_now())
        return CommandResult(
            f"invoice {closed.id} closed: {closed.total_minor} minor units of {closed.currency} before tax",
            {"id": closed.id, "total_minor": closed.total_minor, "currency": closed.currency},
        )

    run_in_account(operator_scope(msp_id, msp_id), act)


_INVOICE = click.option("--id", "invoice_id", type=click.UUID, required=True, help="ID of the invoice.")


@invoice.command("act")
@MSP
@CLIENT
@_INVOICE
@click.option("--do", "act_name", type=click.Choice([one.value for one in InvoiceAct]), required=True, help="The act.")
@click.option("--reason", default="", help="Why; needed for all but sending and reminding.")
def act_(*, msp_id: UUID, tenant_id: UUID, invoice_id: UUID, act_name: str, reason: str) -> None:
    """Send, remind of, suspend, write off or void a client's invoice."""

    async def act(session: AsyncSession) -> CommandResult:
        wanted = InvoiceAct(act_name)
        await act_on_invoice(session, invoice_id, wanted, reason=reason, now=utc_now(), new_id=new_id)
        return CommandResult(f"invoice {invoice_id}: {act_name}", {"id": invoice_id, "act": act_name})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@invoice.command("pay")
@MSP
@CLIENT
@_INVOICE
@click.option("--amount-minor", type=int, required=True, help="Amount in minor units; negative takes one back.")
@click.option("--on", "paid_on", type=_DATE, help="Day of the payment; default: today, in the invoice's time zone.")
@click.option("--reference", default="", help="Reference of the transfer.")
def pay(  # noqa: PLR0913 - click passes options by name
    *, msp_id: UUID, tenant_id: UUID, invoice_id: UUID, amount_minor: int, paid_on: datetime | None, reference: str
) -> None:
    """Record a payment of a client's invoice that was made outside the product."""

    async def act(session: AsyncSession) -> CommandResult:
        now = utc_now()
        payment = NewPayment(paid_on=paid_on and paid_on.date(), amount_minor=amount_minor, reference=reference)
        await record_payment(session, invoice_id, payment, now=now, new_id=new_id)
        return CommandResult(f"invoice {invoice_id}: payment recorded", {"id": invoice_id, "amount": amount_minor})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@invoice.command("credit")
@MSP
@CLIENT
@_INVOICE
@click.option("--net-minor", type=int, help="Net amount in minor units; default: all that is left.")
@click.option("--reason", required=True, help="Why; printed on the credit note.")
def credit(*, msp_id: UUID, tenant_id: UUID, invoice_id: UUID, net_minor: int | None, reason: str) -> None:
    """Credit a part of a client's invoice, or all of it, with its part of the tax."""

    async def act(session: AsyncSession) -> CommandResult:
        wanted = NewCredit(reason=reason, net_minor=net_minor)
        note_id = await create_credit_note(session, invoice_id, wanted, now=utc_now(), new_id=new_id)
        return CommandResult(f"credit note {note_id}", {"id": note_id, "invoice": invoice_id})

    run_in_account(operator_scope(msp_id, tenant_id), act)


COMMANDS: Final = (CliCommand(command=invoice), *PRICE_COMMANDS)
