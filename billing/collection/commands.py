"""`fairlead invoice collect` and `fairlead payment-account differences`."""

from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.collection.collect_job import request_collection
from billing.collection.lists import DRIFT
from billing.collection.refund import refund_invoice
from foundation.clock import utc_now
from foundation.commands import CommandResult, operator_scope, run_in_account
from foundation.rooms import CliCommand
from tenants.command_options import CLIENT, MSP


@click.command("collect")
@MSP
@CLIENT
@click.option("--invoice", "invoice_id", type=click.UUID, required=True, help="ID of a sent invoice.")
def collect(*, msp_id: UUID, tenant_id: UUID, invoice_id: UUID) -> None:
    """Bring an invoice to the payment provider, or its state there up to date."""

    async def act(session: AsyncSession) -> CommandResult:
        await request_collection(session, invoice_id)
        return CommandResult("The payment provider is asked.", {"id": invoice_id})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@click.command("refund")
@MSP
@CLIENT
@click.option("--invoice", "invoice_id", type=click.UUID, required=True, help="ID of a paid invoice.")
@click.option("--net-minor", type=int, help="Amount before tax in minor units; default: all that is left.")
@click.option("--reason", required=True, help="Why; printed on the credit note.")
def refund(*, msp_id: UUID, tenant_id: UUID, invoice_id: UUID, net_minor: int | None, reason: str) -> None:
    """Credit a paid invoice or a part of it, and let the payment provider pay it back."""

    async def act(session: AsyncSession) -> CommandResult:
        note_id = await refund_invoice(session, invoice_id, reason=reason, net_minor=net_minor, now=utc_now())
        return CommandResult(f"credit note {note_id}", {"id": note_id, "invoice": invoice_id})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@click.command("differences")
@MSP
def differences(*, msp_id: UUID) -> None:
    """List the invoices whose amounts here and at the payment provider differ."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await DRIFT.load(session, DRIFT.query(), utc_now())
        rows = [f"{row.number or row.invoice_id}: {row.state} here, {row.status or 'not there'}" for row in found.items]
        return CommandResult("\n".join(rows) or "No differences.", msgspec.to_builtins(found.items))

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


COMMANDS = (
    CliCommand(command=collect, under="invoice"), CliCommand(command=refund, under="invoice"),
    CliCommand(command=differences, under="payment-account"),
)  # fmt: skip
