"""Job that copies an MSP's default dashboard to its clients, in one transaction per client. It may run twice."""

from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from governance.dashboards.layouts import copy_msp_default, read_msp_default
from governance.each_client import act_on_each_client
from governance.services import GovernanceServices


def copy_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def copy_default(batch: Batch[NoPayload]) -> None:
        tiles = await read_msp_default(services.database, batch.scope)
        await act_on_each_client(
            services, batch, lambda session: copy_msp_default(session, tiles, now=services.clock())
        )

    return copy_default
