"""Forgetting old answers, by the clock."""

from foundation.clock import Clock
from foundation.idempotency.response_store import PRUNE, prune_answers
from foundation.jobs.batch import LaneRun
from foundation.jobs.types import JobKind


def idempotency_jobs(clock: Clock) -> tuple[JobKind]:
    async def prune(run: LaneRun) -> None:
        async with run.finishing() as session:
            await prune_answers(session, now=clock())

    return (JobKind(PRUNE, prune, batch=1),)
