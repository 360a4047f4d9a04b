"""Forgetting old answers, by the clock."""

from foundation.clock import Clock
from foundation.idempotency.keeping import PRUNE, prune_answers
from foundation.lanes.jobs import JobKind
from foundation.lanes.run import LaneRun


def idempotency_jobs(clock: Clock) -> tuple[JobKind]:
    async def prune(run: LaneRun) -> None:
        async with run.finishing() as session:
            await prune_answers(session, now=clock())

    return (JobKind(PRUNE, prune, batch=1),)
