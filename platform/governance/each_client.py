"""A job's act on each client of an MSP, in one transaction per client. It may run twice, so it is idempotent."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.jobs.batch import Batch
from governance.services import GovernanceServices
from tenants.relations import CLIENTS


async def act_on_each_client(
    services: GovernanceServices, batch: Batch[Any], act: Callable[[AsyncSession], Awaitable[object]]
) -> None:
    """Run `act` in each client of the batch's MSP, then complete the batch."""
    db, scope = services.database, batch.scope
    async with db.transaction(scope.for_fleet()) as session:
        clients = await session.scalars(
            text(f"SELECT tenant_id FROM {CLIENTS} c WHERE msp_id = :m ORDER BY tenant_id"), {"m": scope.msp_id}
        )
    for client_id in clients:
        async with db.transaction(scope.for_tenant(client_id)) as session:
            await act(session)
    async with batch.commit():
        pass
