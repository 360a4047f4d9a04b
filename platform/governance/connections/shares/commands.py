"""`fairlead connection shares`: the data that a client shares with its trading partners."""

from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.commands import CommandResult, operator_scope, run_in_account
from foundation.rooms import CliCommand
from governance.connections.shares.queries import read_shares
from tenants.command_options import CLIENT, MSP


@click.command("shares")
@MSP
@CLIENT
def list_shares(*, msp_id: UUID, tenant_id: UUID) -> None:
    """List what each trading partner of a client sees, since when, and granted by whom."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await read_shares(session)
        lines = [
            f"{one.partner}  {one.channel}  {one.element} {one.part}  {one.since:%Y-%m-%d}  {one.granted_by}".rstrip()
            for one in found.items
        ]
        return CommandResult("\n".join(lines) or "nothing is shared", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, tenant_id), act)


SHARE_COMMANDS: Final = (CliCommand(command=list_shares, under="connection"),)
