"""`fairlead connection`: listing, testing, changing, pausing and deleting of a client's connections."""

from typing import Any, Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.change_connection import probe_connection
from connectors.commands import SECRETS, SETTINGS, SKIP_TEST, Pairs, read_environment, read_secrets, read_settings
from connectors.connection_input import ConnectionChanges
from connectors.connections import get_connection
from connectors.poll_now import poll_now
from connectors.preview import PreviewValue
from connectors.probe import LABELS, ConnectionTestFailed
from connectors.runtime import ConnectorRuntime
from foundation.clock import utc_now
from foundation.commands import CommandResult
from foundation.rooms import CliCommand
from governance.connections.change_settings import change_settings
from governance.connections.command_runs import CONNECTION, run_with_runtime
from governance.connections.delete_connection import delete_connection, preview_deletion
from governance.connections.lists import CONNECTIONS
from governance.connections.pause import pause_connection, resume_connection
from governance.connections.queries import load_connection
from governance.connections.schemas import ConnectionView
from governance.connections.webhook_secret import renew_hook_secret
from governance.labels import write_element, write_value
from governance.messages.writer import write_reason
from tenants.command_options import CLIENT, MSP
from tenants.list_command import list_command
from tenants.secrets import new_secret
from tenants.states import Environment


@click.command("show")
@MSP
@CLIENT
@CONNECTION
def show(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID) -> None:
    """Show a connection, its health and its backlog."""

    async def use(session: AsyncSession, _: ConnectorRuntime) -> CommandResult:
        found = await load_connection(session, connection_id)
        lines = [
            _line(found),
            f"{found.base_url}, {found.waiting} waiting",
            *([found.last_error] if found.last_error else []),
        ]
        return CommandResult("\n".join(lines), found)

    run_with_runtime(msp_id, tenant_id, use)


@click.command("webhook-secret")
@MSP
@CLIENT
@CONNECTION
def renew_secret(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID) -> None:
    """Create a new secret for a source's webhooks, printed this once. The previous one is valid until the next time."""

    async def use(session: AsyncSession, runtime: ConnectorRuntime) -> CommandResult:
        secret = await renew_hook_secret(session, runtime, connection_id, new_secret=new_secret, now=utc_now())
        return CommandResult(secret, {"id": connection_id, "secret": secret})

    run_with_runtime(msp_id, tenant_id, use)


@click.command("test")
@MSP
@CLIENT
@CONNECTION
def test(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID) -> None:
    """Test a connection with its stored settings: one reading of the system, with what would be read of about five
    records. Fails if the test does.
    """

    async def use(session: AsyncSession, runtime: ConnectorRuntime) -> CommandResult:
        result = await probe_connection(session, runtime, connection_id, now=utc_now(), preview=True)
        if not result.passed:
            raise ConnectionTestFailed(result)
        found = "" if result.records is None else f"; {result.records}{'+' if result.more else ''} records found"
        lines = [f"{LABELS[result.outcome]}{found}", *map(_preview_line, result.preview)]
        return CommandResult("\n".join(lines), msgspec.to_builtins(result))

    run_with_runtime(msp_id, tenant_id, use)


@click.command("update")
@MSP
@CLIENT
@CONNECTION
@click.option("--name", help="Name shown to members.")
@click.option("--url", help="Base address of the system; another host needs the secrets again.")
@SETTINGS
@SECRETS
@click.option("--environment", type=click.Choice(list(Environment)), help="Only before any value has passed.")
@click.option("--jurisdiction", help="Country or region whose law applies, such as DE or US-CA.")
@click.option("--expires-on", help="Day on which the credentials expire, such as 2027-03-31; empty for not known.")
@click.option("--partner", "partner_id", help="ID of the trading partner who sees the channel; empty for none.")
@SKIP_TEST
def update(
    *, msp_id: UUID, tenant_id: UUID, connection_id: UUID, settings: Pairs, secrets: Pairs, **given: Any
) -> None:
    """Change a connection. New settings and credentials are saved once a test reading with them has succeeded."""
    changes = ConnectionChanges(
        name=given["name"], base_url=given["url"], settings=read_settings(settings), secrets=read_secrets(secrets),
        environment=read_environment(given["environment"]), jurisdiction=given["jurisdiction"],
        credentials_expire_on=given["expires_on"], partner_id=given["partner_id"], skip_test=given["skip_test"],
    )  # fmt: skip

    async def use(session: AsyncSession, runtime: ConnectorRuntime) -> CommandResult:
        revision = (await get_connection(session, connection_id)).revision
        saved = await change_settings(session, runtime, connection_id, changes, revision=revision, now=utc_now())
        return CommandResult(f"saved as revision {saved}", {"id": connection_id, "revision": saved})

    run_with_runtime(msp_id, tenant_id, use)


@click.command("delete")
@MSP
@CLIENT
@CONNECTION
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

    run_with_runtime(msp_id, tenant_id, use)


@click.command("pause")
@MSP
@CLIENT
@CONNECTION
def pause(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID) -> None:
    """Pause a connection: a source is not polled and its webhooks are refused; a channel gets no new values."""

    async def use(session: AsyncSession, _: ConnectorRuntime) -> CommandResult:
        await pause_connection(session, connection_id, now=utc_now())
        return CommandResult("paused", {"id": connection_id, "state": "paused"})

    run_with_runtime(msp_id, tenant_id, use)


@click.command("resume")
@MSP
@CLIENT
@CONNECTION
def resume(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID) -> None:
    """Resume a connection, or activate a draft."""

    async def use(session: AsyncSession, _: ConnectorRuntime) -> CommandResult:
        await resume_connection(session, connection_id, now=utc_now())
        return CommandResult("resumed", {"id": connection_id, "state": "active"})

    run_with_runtime(msp_id, tenant_id, use)


@click.command("poll")
@MSP
@CLIENT
@CONNECTION
def poll(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID) -> None:
    """Read a polled source at once instead of at its next poll."""

    async def use(session: AsyncSession, runtime: ConnectorRuntime) -> CommandResult:
        await poll_now(session, runtime, connection_id, now=utc_now())
        return CommandResult("is read now", {"id": connection_id})

    run_with_runtime(msp_id, tenant_id, use)


def _preview_line(one: PreviewValue) -> str:
    shown = write_value(one.value) if one.value is not None else write_reason(one.problem) or "unreadable"
    return f"{one.record_key}  {write_element(one.element, one.dimension)}: {shown}"


def _line(found: ConnectionView) -> str:
    return f"{found.id}  {found.health}  {found.kind}  {found.name}"


_LIST: Final = list_command(CONNECTIONS, _line, about="List a client's connections, sources first.")
COMMANDS: Final = tuple(
    CliCommand(command=command, under="connection")
    for command in (_LIST, show, test, update, delete, pause, resume, poll, renew_secret)
)
