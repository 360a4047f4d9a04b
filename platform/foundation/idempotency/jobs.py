"""Timer job that deletes expired responses."""

from foundation.clock import Clock
from foundation.idempotency.response_store import PRUNE, prune_responses
from foundation.jobs.batch import Batch
from foundation.jobs.registry import JobHandler
from foundation.jobs.types import NoPayload


def idempotency_jobs(clock: Clock) -> tuple[JobHandler[NoPayload]]:
    async def prune(batch: Batch[NoPayload]) -> None:
        async with batch.commit() as session:
            await prune_responses(session, now=clock())

    return (JobHandler(PRUNE, prune),)
