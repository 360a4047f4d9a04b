"""Commands of reconnect links: `fairlead connection reconnect-link` and `revoke-reconnect-link`."""

from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.reconnect_links import create_reconnect_link, revoke_reconnect_link
from connectors.runtime import ConnectorRuntime
from foundation.clock import utc_now
from foundation.commands import CommandResult
from foundation.rooms import CliCommand
from governance.connections.command_runs import CONNECTION, run_with_runtime
from governance.connections.reconnect.renew import PATH
from tenants.command_options import CLIENT, MSP
from tenants.invitations.commands import PortalAddress
from tenants.secrets import new_secret


@click.command("reconnect-link")
@MSP
@CLIENT
@CONNECTION
@click.option(
    "--portal", required=True, type=PortalAddress(),
    help="Address where the link's page is opened, such as https://portal.example.",
)  # fmt: skip
def create_link(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID, portal: str) -> None:
    """Create a link with which somebody without an account can enter new credentials of a connection, printed this
    once. It works once, for seven days, and replaces the earlier one.
    """

    async def use(session: AsyncSession, runtime: ConnectorRuntime) -> CommandResult:
        token, link = await create_reconnect_link(session, runtime, connection_id, new_secret=new_secret, now=utc_now())
        address = f"{portal}{PATH}/{token}"
        return CommandResult(address, {"id": connection_id, "link": address, "expires_at": link.expires_at})

    run_with_runtime(msp_id, tenant_id, use)


@click.command("revoke-reconnect-link")
@MSP
@CLIENT
@CONNECTION
def revoke_link(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID) -> None:
    """Withdraw the reconnect link of a connection."""

    async def use(session: AsyncSession, _: ConnectorRuntime) -> CommandResult:
        await revoke_reconnect_link(session, connection_id, now=utc_now())
        return CommandResult("withdrawn", {"id": connection_id})

    run_with_runtime(msp_id, tenant_id, use)


RECONNECT_COMMANDS: Final = tuple(
    CliCommand(command=command, under="connection") for command in (create_link, revoke_link)
)
