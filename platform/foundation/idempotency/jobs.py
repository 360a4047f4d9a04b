"""Timer job that deletes expired responses."""

from foundation.clock import Clock
from foundation.idempotency.response_store import PRUNE, prune_responses
from foundation.jobs.batch import Batch
from foundation.jobs.types import JobType


def idempotency_jobs(clock: Clock) -> tuple[JobType]:
    async def prune(batch: Batch) -> None:
        async with batch.commit() as session:
            await prune_responses(session, now=clock())

    return (JobType(PRUNE, prune, batch=1),)
