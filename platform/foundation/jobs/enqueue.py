"""Enqueueing of jobs and timers in the caller's transaction (transactional outbox)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Generic
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.bulk import BulkWrite
from foundation.database.engine import Hints, buffer, scope_of
from foundation.jobs.types import JobType, NoPayload, P
from foundation.telemetry.correlation import current_correlation


class NewJob(msgspec.Struct, Generic[P], frozen=True):
    """A job to enqueue. Jobs with the same lane and `key` run one after the other, in order. `delay` is in seconds.

    `payload=None` is for a type whose payload has only defaults, or none.
    """

    lane: str
    job_type: JobType[P]
    key: str
    ref: UUID | None = None
    payload: P | None = None
    delay: float = 0.0
    correlation: str | None = None

    def __post_init__(self) -> None:
        if self.payload is None:
            self.job_type.payload()


class StoredJob(msgspec.Struct, frozen=True):
    """The columns of a job to insert."""

    lane: str
    kind: str
    key: str
    ref: UUID | None
    payload: Any
    delay: float = 0.0
    correlation: str | None = None


_INSERT = BulkWrite(
    {
        "lane": "varchar", "kind": "varchar", "key": "varchar", "ref": "uuid", "payload": "jsonb",
        "delay": "double precision", "correlation": "varchar",
    },
    """
    INSERT INTO job (tenant_id, msp_id, lane, kind, key, ref, payload, delayed, ready_at, correlation)
    SELECT :tenant_id, :msp_id, r.lane, r.kind, r.key, r.ref, r.payload, r.delay > 0,
           clock_timestamp() + make_interval(secs => r.delay), coalesce(nullif(r.correlation, ''), :correlation)
      FROM {rows} ORDER BY r.place_
    """,
)  # fmt: skip


INSERT_JOBS: Final = "INSERT INTO job (tenant_id, msp_id, lane, kind, key, ref, payload, correlation)"
"""SQL: the beginning of a statement that enqueues jobs beside other rows, in one round trip for many tenants
(webhooks). The intake role may insert these columns.
"""
_SUBJECT = "split_part(name, '/', 2) = :subject AND (:direction = '' OR split_part(name, '/', 1) = :direction)"
_WAKE_LANES = text(f"UPDATE lane SET paused_until = NULL WHERE tenant_id = :t AND {_SUBJECT}")
_WAKE_JOBS = text(f"""
    UPDATE job SET ready_at = clock_timestamp()
     WHERE tenant_id = :t AND delayed AND ready_at > clock_timestamp()
       AND lane IN (SELECT name FROM lane WHERE tenant_id = :t AND {_SUBJECT})
""")


def enqueue(session: AsyncSession, jobs: Sequence[NewJob[Any]]) -> None:
    """Enqueue jobs for the session's tenant when its transaction commits; a rollback enqueues nothing."""
    enqueue_stored(session, [_stored(job) for job in jobs])


async def enqueue_at_commit(session: AsyncSession, jobs: Sequence[NewJob[Any]]) -> None:
    """As `enqueue`, for functions that run just before the commit, when jobs are no longer gathered."""
    if jobs:
        await _insert_jobs(session, [_stored(job) for job in jobs])


def enqueue_stored(session: AsyncSession, jobs: Sequence[StoredJob]) -> None:
    """Enqueue jobs that were stored before, e.g. as dead letters. Their type may be one of another release."""
    buffer(session, _insert_jobs).extend(jobs)


def _stored(job: NewJob[Any]) -> StoredJob:
    payload = None if isinstance(job.payload, NoPayload) else job.payload
    return StoredJob(job.lane, job.job_type.name, job.key, job.ref, payload, job.delay, job.correlation)


async def _insert_jobs(session: AsyncSession, items: list[Any]) -> None:
    scope = scope_of(session)
    await _INSERT.execute(session, items, correlation=current_correlation())
    hints: Hints = session.info["hints"]
    ready = {item.lane for item in items if item.delay <= 0}
    if ready:
        hints.setdefault((scope.msp_id, scope.tenant_id), set()).update(ready)


async def set_timer(
    session: AsyncSession, *, name: str, lane: str, job_type: JobType[NoPayload], due_at: datetime | None
) -> None:
    """Schedule a job at `due_at`; an earlier time that is already set is kept. None cancels the timer."""
    scope = scope_of(session)
    await session.execute(
        text("""
            INSERT INTO timer (tenant_id, msp_id, name, lane, kind, due_at)
            VALUES (:tenant_id, :msp_id, :name, :lane, :kind, :due_at)
            ON CONFLICT (tenant_id, name) DO UPDATE SET lane = excluded.lane, kind = excluded.kind,
                due_at = CASE WHEN excluded.due_at IS NULL THEN NULL ELSE least(timer.due_at, excluded.due_at) END
            WHERE timer.due_at IS DISTINCT FROM
                CASE WHEN excluded.due_at IS NULL THEN NULL ELSE least(timer.due_at, excluded.due_at) END
        """),
        {
            "tenant_id": scope.tenant_id,
            "msp_id": scope.msp_id,
            "name": name,
            "lane": lane,
            "kind": job_type.name,
            "due_at": due_at,
        },
    )


async def discard_jobs(session: AsyncSession, lanes: Sequence[str]) -> int:
    """Delete the jobs of these lanes, and return their number. A batch in progress ends without them."""
    gone = text("""
        WITH gone AS (DELETE FROM job WHERE tenant_id = :t AND lane = ANY (:lanes) RETURNING 1)
        SELECT count(*) FROM gone
    """)
    return int(await session.scalar(gone, {"t": scope_of(session).tenant_id, "lanes": list(lanes)}) or 0)


async def has_timer(session: AsyncSession, name: str) -> bool:
    """Whether the timer was ever set, due or not."""
    found = text("SELECT 1 FROM timer WHERE tenant_id = :t AND name = :name")
    return await session.scalar(found, {"t": scope_of(session).tenant_id, "name": name}) is not None


async def wake_lanes(session: AsyncSession, subject: UUID, *, direction: str = "") -> None:
    """End the pause of the lanes named `<direction>/<subject>`, by default of every direction, and the delay of their
    jobs; the relay then wakes the lanes.
    """
    binds = {"t": scope_of(session).tenant_id, "subject": str(subject), "direction": direction}
    for statement in (_WAKE_LANES, _WAKE_JOBS):
        await session.execute(statement, binds)
