"""Shared parts of the commands of connections: the option `--connection`, and a transaction with the runtime."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.runtime import ConnectorRuntime
from foundation.commands import CommandResult, operator_scope, run_with_services
from foundation.rooms import AppServices

CONNECTION: Final = click.option(
    "--connection", "connection_id", type=click.UUID, required=True, help="The connection's ID."
)
Use = Callable[[AsyncSession, ConnectorRuntime], Awaitable[CommandResult]]


def run_with_runtime(msp_id: UUID, tenant_id: UUID, use: Use) -> None:
    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            return await use(session, services.get(ConnectorRuntime))

    run_with_services(act)
