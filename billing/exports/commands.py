"""`fairlead invoice export`."""

import asyncio
from pathlib import Path
from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from billing.exports.export import export_month
from billing.exports.files import write_file
from billing.exports.schemas import FileFormat, Target
from foundation.commands import CommandResult, operator_scope, run_in_account
from foundation.rooms import CliCommand
from tenants.command_options import MSP


@click.command("export")
@MSP
@click.option("--month", required=True, help="Month of issue, e.g. 2026-03.")
@click.option(
    "--target",
    type=click.Choice([target.value for target in Target]),
    default=Target.FLAT.value,
    show_default=True,
    help="The system that reads the file.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice([each.value for each in FileFormat]),
    default=FileFormat.CSV.value,
    show_default=True,
    help="Format of the file.",
)
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write.")
def export_invoices(*, msp_id: UUID, month: str, target: str, file_format: str, file: Path) -> None:
    """Write the lines of the invoices and credit notes that an MSP issued in a month."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await export_month(session, month=month, target=Target(target))
        await asyncio.to_thread(file.write_bytes, await write_file(found, FileFormat(file_format)))
        data = {"lines": len(found.rows), "unnumbered": found.unnumbered, "file": str(file)}
        return CommandResult(f"{len(found.rows)} lines written to {file}.", data)

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


COMMANDS: Final = (CliCommand(command=export_invoices, under="invoice"),)
