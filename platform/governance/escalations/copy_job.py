"""Job that copies an MSP's ladder to its clients, in one transaction per client. It may run twice."""

from sqlalchemy import text

from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from governance.escalations.ladder import copy_msp_ladder, read_msp_ladder
from governance.services import GovernanceServices
from tenants.relations import CLIENTS


def copy_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def copy_ladder(batch: Batch[NoPayload]) -> None:
        db = services.db
        if db is None:
            raise LookupError("this job needs the database of the services")
        steps = await read_msp_ladder(db, batch.scope)
        async with db.transaction(batch.scope.for_fleet()) as session:
            clients = await session.scalars(
                text(f"SELECT tenant_id FROM {CLIENTS} c WHERE msp_id = :m ORDER BY tenant_id"),
                {"m": batch.scope.msp_id},
            )
        for client_id in clients:
            async with db.transaction(batch.scope.for_tenant(client_id)) as session:
                await copy_msp_ladder(session, steps, now=services.clock())
        async with batch.commit():
            pass

    return copy_ladder
