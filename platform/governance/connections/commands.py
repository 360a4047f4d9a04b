"""`fairlead connection`: testing, changing, pausing and deleting of a client's connections."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.change_connection import probe_connection
from connectors.commands import SECRETS, SETTINGS, SKIP_TEST, Pairs, read_environment, read_secrets, read_settings
from connectors.connection_input import ConnectionChanges
from connectors.connections import get_connection
from connectors.probe import LABELS, ConnectionTestFailed
from connectors.runtime import ConnectorRuntime
from foundation.clock import utc_now
from foundation.commands import CommandResult, operator_scope, run_with_services
from foundation.rooms import AppServices, CliCommand
from governance.connections.change_settings import change_settings
from governance.connections.delete_connection import delete_connection, preview_deletion
from governance.connections.pause import pause_connection, resume_connection
from tenants.command_options import CLIENT, MSP
from tenants.states import Environment

_CONNECTION: Final = click.option(
    "--connection", "connection_id", type=click.UUID, required=True, help="The connection's ID."
)
_Use = Callable[[AsyncSession, ConnectorRuntime], Awaitable[CommandResult]]


@click.command("test")
@MSP
@CLIENT
@_CONNECTION
def test(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID) -> None:
    """Test a connection with its stored settings: one reading of the system. Fails if the test does."""

    async def use(session: AsyncSession, runtime: ConnectorRuntime) -> CommandResult:
        result = await probe_connection(session, runtime, connection_id, now=utc_now())
        if not result.passed:
            raise ConnectionTestFailed(result)
        found = "" if result.records is None else f"; {result.records}{'+' if result.more else ''} records found"
        return CommandResult(f"{LABELS[result.outcome]}{found}", msgspec.to_builtins(result))

    _run(msp_id, tenant_id, use)


@click.command("update")
@MSP
@CLIENT
@_CONNECTION
@click.option("--name", help="Name shown to members.")
@click.option("--url", help="Base address of the system; another host needs the secrets again.")
@SETTINGS
@SECRETS
@click.option("--environment", type=click.Choice(list(Environment)), help="Only before any value has passed.")
@click.option("--jurisdiction", help="Country or region whose law applies, such as DE or US-CA.")
@click.option("--expires-on", help="Day on which the credentials expire, such as 2027-03-31; empty for not known.")
@SKIP_TEST
def update(
    *, msp_id: UUID, tenant_id: UUID, connection_id: UUID, settings: Pairs, secrets: Pairs, **given: Any
) -> None:
    """Change a connection. New settings and credentials are saved once a test reading with them has succeeded."""
    changes = ConnectionChanges(
        name=given["name"], base_url=given["url"], settings=read_settings(settings), secrets=read_secrets(secrets),
        environment=read_environment(given["environment"]), jurisdiction=given["jurisdiction"],
        credentials_expire_on=given["expires_on"], skip_test=given["skip_test"],
    )  # fmt: skip

    async def use(session: AsyncSession, runtime: ConnectorRuntime) -> CommandResult:
        revision = (await get_connection(session, connection_id)).revision
        saved = await change_settings(session, runtime, connection_id, changes, revision=revision, now=utc_now())
        return CommandResult(f"saved as revision {saved}", {"id": connection_id, "revision": saved})

    _run(msp_id, tenant_id, use)


@click.command("delete")
@MSP
@CLIENT
@_CONNECTION
@click.option("--yes", is_flag=True, help="Delete; without it, only what would be deleted is shown.")
def delete(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID, yes: bool) -> None:
    """Preview the deletion of a connection, and with --yes delete it. History is preserved."""

    async def use(session: AsyncSession, _: ConnectorRuntime) -> CommandResult:
        preview = await preview_deletion(session, connection_id)
        if yes:
            await delete_connection(session, connection_id, revision=preview.revision, now=utc_now())
        contracts = ", ".join(f"{one.element} {one.selector}".strip() for one in preview.contracts) or "none"
        lines = [
            f"{preview.name}: {'deleted' if yes else 'would be deleted; repeat with --yes'}",
            f"credentials: {preview.credentials}, unfinished deliveries: {preview.deliveries}",
            f"held values: {preview.held_values}, pending jobs: {preview.jobs}",
            f"contracts of which it is the source: {contracts}",
        ]
        return CommandResult("\n".join(lines), {"deleted": yes, **msgspec.to_builtins(preview)})

    _run(msp_id, tenant_id, use)


@click.command("pause")
@MSP
@CLIENT
@_CONNECTION
def pause(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID) -> None:
    """Pause a connection: a source is not polled and its webhooks are refused; a channel gets no new values."""

    async def use(session: AsyncSession, _: ConnectorRuntime) -> CommandResult:
        await pause_connection(session, connection_id, now=utc_now())
        return CommandResult("paused", {"id": connection_id, "state": "paused"})

    _run(msp_id, tenant_id, use)


@click.command("resume")
@MSP
@CLIENT
@_CONNECTION
def resume(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID) -> None:
    """Resume a connection."""

    async def use(session: AsyncSession, _: ConnectorRuntime) -> CommandResult:
        await resume_connection(session, connection_id, now=utc_now())
        return CommandResult("resumed", {"id": connection_id, "state": "active"})

    _run(msp_id, tenant_id, use)


def _run(msp_id: UUID, tenant_id: UUID, use: _Use) -> None:
    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            return await use(session, services.get(ConnectorRuntime))

    run_with_services(act)


COMMANDS: Final = tuple(
    CliCommand(command=command, under="connection") for command in (test, update, delete, pause, resume)
)
