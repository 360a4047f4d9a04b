"""`fairlead invoice document`."""

import asyncio
from pathlib import Path
from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from billing.documents.formats import DocumentFormat
from billing.documents.store import read_document
from foundation.commands import CommandResult, operator_scope, run_in_account
from foundation.rooms import CliCommand
from tenants.command_options import CLIENT, MSP


@click.command("document")
@MSP
@CLIENT
@click.option("--id", "invoice_id", type=click.UUID, required=True, help="ID of the invoice.")
@click.option(
    "--format", "kind", type=click.Choice([one.value for one in DocumentFormat]), default=DocumentFormat.PDF.value,
    show_default=True, help="pdf: with the e-invoice inside; cii, ubl: the e-invoice alone.",
)  # fmt: skip
@click.option(
    "--output", type=click.Path(dir_okay=False, exists=False, path_type=Path), required=True, help="The file to write."
)
def document(*, msp_id: UUID, tenant_id: UUID, invoice_id: UUID, kind: str, output: Path) -> None:
    """Write a document of a client's finalised invoice to a file."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await read_document(session, invoice_id, DocumentFormat(kind))
        await asyncio.to_thread(output.write_bytes, found.content)
        return CommandResult(f"{output}: {len(found.content)} bytes", {"id": invoice_id, "bytes": len(found.content)})

    run_in_account(operator_scope(msp_id, tenant_id), act)


COMMANDS: Final = (CliCommand(command=document, under="invoice"),)
