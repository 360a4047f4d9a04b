"""Job that copies an MSP's ladder to its clients, in one transaction per client. It may run twice."""

from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from governance.each_client import act_on_each_client
from governance.escalations.ladder import copy_msp_ladder, read_msp_ladder
from governance.services import GovernanceServices


def copy_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def copy_ladder(batch: Batch[NoPayload]) -> None:
        steps = await read_msp_ladder(services.database, batch.scope)
        await act_on_each_client(services, batch, lambda session: copy_msp_ladder(session, steps, now=services.clock()))

    return copy_ladder
