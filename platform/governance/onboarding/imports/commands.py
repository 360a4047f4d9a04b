"""`fairlead client-import`: creating many clients from a CSV file."""

from pathlib import Path
from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.ids import new_id
from foundation.rooms import CliCommand
from governance.onboarding.imports.imports import load_latest_import, preview_import, start_import
from tenants.command_options import MSP

_FILE: Final = click.option(
    "--file",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with the columns name, slug and currency; language, time_zone, region, environment, template.",
)


@click.group("client-import", cls=NounGroup)
def client_import() -> None:
    """Import of clients from a CSV file."""


@client_import.command("preview")
@MSP
@_FILE
def preview(*, msp_id: UUID, path: Path) -> None:
    """Show what an import would do with each row. Nothing is created."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await preview_import(session, _read(path))
        lines = [f"{one.line}  {one.slug}  {one.result}  {one.detail}".rstrip() for one in found.rows]
        head = f"{found.new} new, {found.existing} exist already, {found.wrong} wrong"
        return CommandResult("\n".join([head, *lines]), msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


@client_import.command("start")
@MSP
@_FILE
def start(*, msp_id: UUID, path: Path) -> None:
    """Start the creation of a file's clients, which the workers do. Refused if a row is wrong."""

    async def act(session: AsyncSession) -> CommandResult:
        import_id = await start_import(session, _read(path), now=utc_now(), import_id=new_id())
        return CommandResult(f"import {import_id} started; `client-import show` tells of it", {"id": import_id})

    run_in_account(operator_scope(msp_id, msp_id), act)


@client_import.command("show")
@MSP
def show(*, msp_id: UUID) -> None:
    """Show the latest import with the result of each row."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await load_latest_import(session)
        lines = [f"{one.line}  {one.slug}  {one.state}  {one.detail}".rstrip() for one in found.rows]
        return CommandResult(
            "\n".join([f"{found.state}: {found.done} of {found.total}", *lines]), msgspec.to_builtins(found)
        )

    run_in_account(operator_scope(msp_id, msp_id), act)


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


COMMANDS: Final = (CliCommand(command=client_import),)
