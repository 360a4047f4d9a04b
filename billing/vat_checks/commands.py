"""`fairlead billing-details check-vat-id`."""

from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from billing.vat_checks.request import request_vat_check
from foundation.commands import CommandResult, operator_scope, run_in_account
from foundation.rooms import CliCommand
from tenants.command_options import CLIENT, MSP


@click.command("check-vat-id")
@MSP
@CLIENT
def check_vat_id(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Check the VAT id of a client's billing details in VIES."""

    async def act(session: AsyncSession) -> CommandResult:
        await request_vat_check(session)
        return CommandResult("The VAT id is being checked.", {"account": tenant_id})

    run_in_account(operator_scope(msp_id, tenant_id), act)


COMMANDS: Final = (CliCommand(command=check_vat_id, under="billing-details"),)
