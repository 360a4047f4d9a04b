"""Repair of timers: restores the timer of each recurring duty that has neither a timer nor a job.

Each room defines its recurring duties as functions of the database's state. A job per tenant checks them all, every few
minutes; the relay enqueues it from `lane_share.repair_at`, so that the check itself needs no timer.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import Clock
from foundation.database.engine import scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.registry import JobHandler
from foundation.jobs.types import ENDLESS, JobType, NoPayload
from foundation.marks import N_

REPAIR: Final = JobType("foundation.repair_timers", N_("Restore lost timers"), NoPayload, retry=ENDLESS)
"""The relay's `repairs_fire` enqueues jobs of this name in lane `repair`."""
Duty = Callable[[AsyncSession, datetime], Awaitable[None]]
_NO_JOB: Final = """
    NOT EXISTS (SELECT 1 FROM job w WHERE w.tenant_id = :tenant_id AND w.lane = {lane} AND w.kind = {kind})
"""
_ENSURE: Final = text(f"""
    INSERT INTO timer (tenant_id, msp_id, name, lane, kind, due_at)
    SELECT :tenant_id, :msp_id, n.name, n.lane, n.kind, n.due_at
      FROM (SELECT CAST(:name AS varchar) AS name, CAST(:lane AS varchar) AS lane, CAST(:kind AS varchar) AS kind,
                   CAST(:due_at AS timestamptz) AS due_at) n
     WHERE {_NO_JOB.format(lane="n.lane", kind="n.kind")}
    ON CONFLICT (tenant_id, name) DO UPDATE SET due_at = excluded.due_at, lane = excluded.lane, kind = excluded.kind
     WHERE timer.due_at IS NULL OR timer.due_at > excluded.due_at
""")
_RESTART: Final = text(f"""
    UPDATE timer t SET due_at = :now
     WHERE t.tenant_id = :tenant_id AND t.kind = ANY (:kinds) AND (t.due_at IS NULL OR t.due_at > :latest)
       AND (CAST(:names AS varchar[]) IS NULL OR t.name = ANY (:names))
       AND {_NO_JOB.format(lane="t.lane", kind="t.kind")}
""")


async def ensure_timer(
    session: AsyncSession, *, name: str, lane: str, job_type: JobType[NoPayload], due_at: datetime
) -> None:
    """Set the timer to `due_at` if it has none or a later one, unless its job is already enqueued."""
    scope = scope_of(session)
    await session.execute(
        _ENSURE,
        {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "name": name, "lane": lane,
         "kind": job_type.name, "due_at": due_at},
    )  # fmt: skip


async def restart_timers(
    session: AsyncSession,
    job_types: Sequence[JobType[NoPayload]],
    *,
    now: datetime,
    longest: timedelta,
    names: Sequence[str] | None = None,
) -> None:
    """Restart jobs that always set their next timer, at most `longest` ahead. A timer without due time and without a
    job was lost; one that is further ahead was set by a wrong clock. With `names`, only those timers.
    """
    kinds = [job_type.name for job_type in job_types]
    binds = {
        "tenant_id": scope_of(session).tenant_id,
        "kinds": kinds,
        "now": now,
        "latest": now + longest,
        "names": None if names is None else list(names),
    }
    await session.execute(_RESTART, binds)


def repair_handler(duties: Iterable[Duty], clock: Clock) -> JobHandler[NoPayload]:
    checked = tuple(duties)

    async def repair(batch: Batch[NoPayload]) -> None:
        now = clock()
        async with batch.commit() as session:
            for duty in checked:
                await duty(session, now)

    return JobHandler(REPAIR, repair)
