"""`fairlead change`: changes of a client's values, and their rollback."""

from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import Value
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.rooms import AppServices, CliCommand
from governance.changes.lists import CHANGES
from governance.changes.queries import find_change, read_change
from governance.changes.rollback import roll_back_change
from governance.changes.schemas import ChangeView
from governance.labels import write_value
from governance.services import GovernanceServices
from tenants.command_options import CLIENT, MSP
from tenants.list_command import list_command

CHANGE: Final = click.option(
    "--change", "change_id", type=click.UUID, required=True, help="The change's ID (`fairlead change list`)."
)


@click.group(cls=NounGroup)
def change() -> None:
    """Changes of a client's values."""


@change.command()
@MSP
@CLIENT
@CHANGE
def show(*, msp_id: UUID, tenant_id: UUID, change_id: UUID) -> None:
    """Show a change with its channels. JSON has its approval, open exceptions and delivery attempts too."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await read_change(session, change_id, now=utc_now())
        lines = [f"{found.change.state}: {describe_what(found.change)}", found.change.reason]
        lines += [f"  {one.channel}: {one.state}" for one in found.change.channels]
        return CommandResult("\n".join(line for line in lines if line), found)

    run_in_account(operator_scope(msp_id, tenant_id), act)


@change.command("roll-back")
@MSP
@CLIENT
@CHANGE
@click.option("--connection", "connection_id", type=click.UUID, help="One channel only; without it, all.")
def roll_back(*, msp_id: UUID, tenant_id: UUID, change_id: UUID, connection_id: UUID | None) -> None:
    """Restore the earlier value by a new change, which policy decides as any other."""

    async def act(services: AppServices) -> CommandResult:
        rules = services.get(GovernanceServices)
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            back = await roll_back_change(session, rules, change_id, connection_id=connection_id)
            made = await find_change(session, back, now=utc_now())
        return CommandResult(f"change {made.id} {made.state}: {describe_what(made)}", made)

    run_with_services(act)


def describe_what(found: ChangeView) -> str:
    return f"{describe_key(found.record_key, found.element, found.dimension)}: {describe_step(found.old, found.new)}"


def describe_key(record_key: str | None, element: str | None, dimension: str) -> str:
    return " ".join(part for part in (record_key, element, dimension) if part)


def describe_step(old: Value | None, new: Value | None) -> str:
    return f"{write_value(old)} -> {write_value(new)}"


def _line(found: ChangeView) -> str:
    return f"{found.id}  {found.state}  {describe_what(found)}"


change.add_command(list_command(CHANGES, _line, about="List changes, newest first."))
COMMANDS: Final = (CliCommand(command=change),)
