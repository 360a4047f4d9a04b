"""Timer job that stores the counted calls of an account's API keys, once each hour is complete."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import Clock
from foundation.database.engine import scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import set_timer
from foundation.jobs.registry import Handler
from foundation.jobs.repair import ensure_timer
from foundation.jobs.types import ENDLESS, JobType, NoPayload
from foundation.marks import N_
from foundation.web.call_counts import CallCounts, CountedCalls

STORE_CALLS: Final = JobType("tenants.store_api_calls", N_("Store counted calls"), NoPayload, batch=1, retry=ENDLESS)
EVERY: Final = timedelta(hours=1)


async def store_calls(session: AsyncSession, counted: Sequence[CountedCalls]) -> None:
    """Store counts of complete hours, in the account's scope. Counts that are stored already are skipped."""
    scope = scope_of(session)
    await session.execute(
        text("""
            INSERT INTO api_call_hour (tenant_id, msp_id, hour, key_id, calls)
            SELECT :t, :m, c.hour, c.key_id, c.calls
              FROM unnest(CAST(:hours AS timestamptz[]), CAST(:keys AS uuid[]), CAST(:calls AS bigint[]))
                   AS c (hour, key_id, calls)
             WHERE c.calls > 0
            ON CONFLICT (tenant_id, hour, key_id) DO NOTHING
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "hours": [one.hour for one in counted],
            "keys": [one.key_id for one in counted], "calls": [one.calls for one in counted],
        },
    )  # fmt: skip


def store_handler(counts: CallCounts, clock: Clock) -> Handler[NoPayload]:
    async def store(batch: Batch[NoPayload]) -> None:
        scope = batch.scope
        counted = await counts.read_complete(scope.msp_id, scope.tenant_id)
        async with batch.commit() as session:
            await store_calls(session, counted)
            await _schedule(session, clock() + EVERY)
        # After the commit: if it fails, the same hours are read again, and skipped because they are stored already.
        await counts.forget(scope.msp_id, scope.tenant_id, counted)

    return store


async def repair_storing(session: AsyncSession, now: datetime) -> None:
    """Ensure that a timer exists in an account that has API keys."""
    has_keys = text("SELECT EXISTS (SELECT 1 FROM api_key WHERE tenant_id = :t)")
    if await session.scalar(has_keys, {"t": scope_of(session).tenant_id}):
        await ensure_timer(
            session, name=STORE_CALLS.name, lane=STORE_CALLS.name, job_type=STORE_CALLS, due_at=now + EVERY * 1.5
        )


async def _schedule(session: AsyncSession, at: datetime) -> None:
    await set_timer(session, name=STORE_CALLS.name, lane=STORE_CALLS.name, job_type=STORE_CALLS, due_at=at)
