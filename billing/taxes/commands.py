"""`fairlead invoice calculate-tax`."""

from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from billing.taxes.request import request_calculation
from foundation.clock import utc_now
from foundation.commands import CommandResult, operator_scope, run_in_account
from foundation.rooms import CliCommand
from tenants.command_options import CLIENT, MSP


@click.command("calculate-tax")
@MSP
@CLIENT
@click.option("--invoice", "invoice_id", type=click.UUID, required=True, help="ID of a draft.")
def calculate_tax(*, msp_id: UUID, tenant_id: UUID, invoice_id: UUID) -> None:
    """Calculate the tax of a draft by the MSP's tax service."""

    async def act(session: AsyncSession) -> CommandResult:
        await request_calculation(session, invoice_id, now=utc_now())
        return CommandResult("The tax is being calculated.", {"id": invoice_id})

    run_in_account(operator_scope(msp_id, tenant_id), act)


COMMANDS: Final = (CliCommand(command=calculate_tax, under="invoice"),)
