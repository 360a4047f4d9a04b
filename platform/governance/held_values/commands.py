"""`fairlead held-value`: values that wait for an element contract."""

from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now, write_utc
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.rooms import CliCommand
from governance.held_values.discard import discard_held
from governance.held_values.queries import list_held
from tenants.command_options import CLIENT, MSP, REASON


@click.group("held-value", cls=NounGroup)
def held() -> None:
    """Values that a client's systems report without a usable element contract."""


@held.command("list")
@MSP
@CLIENT
def list_(msp_id: UUID, tenant_id: UUID) -> None:
    """List held values by connection and element, those held longest first."""

    async def act(session: AsyncSession) -> CommandResult:
        groups = await list_held(session)
        lines = [
            f"{one.connection_id} {one.element}: {one.values} values of {one.connection} since"
            f" {write_utc(one.oldest_at)}; contract: {one.source or 'none'}"
            for one in groups
        ]
        return CommandResult("\n".join(lines or ["nothing is held"]), groups)

    run_in_account(operator_scope(msp_id, tenant_id), act)


@held.command()
@MSP
@CLIENT
@click.option("--connection", "connection_id", type=click.UUID, required=True, help="The connection's ID.")
@click.option("--element", required=True, help="The element, such as stock.on_hand.")
@click.option("--reason", required=True, type=REASON, help="Recorded in the client's audit trail.")
def discard(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID, element: str, reason: str) -> None:
    """Discard the held values of one connection and element. Their messages stay stored."""

    async def act(session: AsyncSession) -> CommandResult:
        gone = await discard_held(session, connection_id=connection_id, element=element, reason=reason, now=utc_now())
        return CommandResult(f"{gone} values discarded", {"discarded": gone})

    run_in_account(operator_scope(msp_id, tenant_id), act)


COMMANDS: Final = (CliCommand(command=held),)
