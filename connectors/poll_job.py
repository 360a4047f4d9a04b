"""Job: polls a source. Payloads take the same path as webhooks: stored, deduplicated.

Cursors overlap on purpose, so that no record at a page boundary is lost; duplicates are dropped by external id.
"""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.backoff import retry_with_backoff
from connectors.calls import call_adapter
from connectors.health import record_health
from connectors.paging import ListPage, ListProgress, Step, check_page
from connectors.ports import PayloadInvalid, PollPage, SystemUnavailable
from connectors.runtime import ConnectorRuntime
from connectors.states import ConnectionState
from connectors.translation.job_type import TRANSLATE, ingest_lane
from connectors.webhooks.writer import Delivery, Stored, storable_id, store_deliveries
from foundation.clock import Clock
from foundation.database.engine import scope_of
from foundation.i18n.messages import reason_of
from foundation.ids import NewId
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue, has_timer, set_timer
from foundation.jobs.lanes import connection_lane
from foundation.jobs.registry import Handler
from foundation.jobs.repair import restart_timers
from foundation.jobs.types import ENDLESS, JobType, NoPayload
from foundation.marks import N_
from foundation.outbound.errors import OutboundRefused, OutboundUnavailable
from foundation.telemetry.correlation import current_correlation

LATEST_POLL = timedelta(hours=1)
POLL_DIRECTION = "poll"
POLL = JobType("connectors.poll_source", N_("Poll a source"), NoPayload, batch=1, retry=ENDLESS)
_EVERY = timedelta(seconds=30)


def poll_lane(connection_id: UUID) -> str:
    return connection_lane(POLL_DIRECTION, connection_id)


async def schedule_poll(session: AsyncSession, connection_id: UUID, *, at: datetime) -> None:
    """Start the self-rescheduling polls of a new connection at `at`. Call once."""
    lane = poll_lane(connection_id)
    await set_timer(session, name=lane, lane=lane, job_type=POLL, due_at=at)


async def resume_poll(session: AsyncSession, connection_id: UUID, *, at: datetime) -> None:
    """Poll at `at`, if the connection was ever polled: polls of a paused connection have stopped."""
    if await has_timer(session, poll_lane(connection_id)):
        await schedule_poll(session, connection_id, at=at)


async def repair_polls(session: AsyncSession, now: datetime) -> None:
    """Restart polling of each active connection that was ever polled and has no due timer, for any reason: also a
    clock that was ahead for a while and set a timer far in the future.
    """
    active = await session.scalars(
        text(f"SELECT id FROM connection WHERE tenant_id = :t AND state = '{ConnectionState.ACTIVE}'"),
        {"t": scope_of(session).tenant_id},
    )
    names = [poll_lane(connection_id) for connection_id in active]
    await restart_timers(session, (POLL,), now=now, longest=LATEST_POLL, names=names)


async def move_poll(session: AsyncSession, source: UUID, *, old: UUID, at: datetime) -> None:
    """Move polling to the new source connection, if the previous one was polled."""
    if await has_timer(session, poll_lane(old)):
        await schedule_poll(session, source, at=at)


def poll_handler(
    runtime: ConnectorRuntime, clock: Clock, new_id: NewId, *, every: timedelta = _EVERY
) -> Handler[NoPayload]:
    async def poll(batch: Batch[NoPayload]) -> None:
        item = batch.items[0]
        connection_id = batch.connection_id
        async with batch.read() as session:
            opened = await runtime.open(session, connection_id)
            cursor, progress = await _place(session, connection_id)
        source = opened.connector.poll
        if source is None or not opened.active:
            return
        now = clock()
        try:
            page = await call_adapter(source.poll(opened.client(is_retry=item.is_retry), opened.config, cursor, now))
        except (SystemUnavailable, OutboundUnavailable, OutboundRefused, PayloadInvalid) as error:
            reason = reason_of(error)
            retry_with_backoff(batch, error, reason=reason, retry=POLL.retry, jitter=1.0)
            async with batch.commit() as session:
                await record_health(session, connection_id, now=now, error=reason)
            return
        async with batch.commit() as session:
            new = await _store(session, connection_id, page, now=now, new_id=new_id)
            ids = [external_id for external_id, _ in page.payloads]
            step = check_page(progress, ListPage(cursor, page.cursor, page.more, ids, new))
            await _move(session, connection_id, step, now=now)
            if step.trouble:
                retry_with_backoff(
                    batch, SystemUnavailable(step.trouble), reason=step.trouble, retry=POLL.retry, jitter=1.0
                )
            await record_health(session, connection_id, now=now, error=step.trouble)
            if step.trouble:
                return
            if page.more:
                enqueue(session, [NewJob(batch.lane, POLL, item.key)])
            else:
                await schedule_poll(session, connection_id, at=now + every)

    return poll


async def _place(session: AsyncSession, connection_id: UUID) -> tuple[str, ListProgress]:
    found = await session.execute(
        text("SELECT cursor, progress FROM poll_cursor WHERE tenant_id = :t AND connection_id = :c"),
        {"t": scope_of(session).tenant_id, "c": connection_id},
    )
    row = found.one_or_none()
    return ("", ListProgress()) if row is None else (row.cursor, msgspec.convert(row.progress or {}, ListProgress))


async def _move(session: AsyncSession, connection_id: UUID, step: Step, *, now: datetime) -> None:
    scope = scope_of(session)
    progress = msgspec.json.encode(step.progress).decode()
    await session.execute(
        text("""
            INSERT INTO poll_cursor (tenant_id, msp_id, connection_id, cursor, polled_at, progress)
            VALUES (:t, :m, :c, :cursor, :now, CAST(:progress AS jsonb))
            ON CONFLICT (tenant_id, connection_id)
            DO UPDATE SET cursor = excluded.cursor, polled_at = excluded.polled_at, progress = excluded.progress
        """),
        {
            "t": scope.tenant_id,
            "m": scope.msp_id,
            "c": connection_id,
            "cursor": step.cursor,
            "now": now,
            "progress": progress,
        },
    )


async def _store(session: AsyncSession, connection_id: UUID, page: PollPage, *, now: datetime, new_id: NewId) -> int:
    """Store a page. Returns the number of new payloads."""
    scope = scope_of(session)
    payloads = [(storable_id(external_id), body) for external_id, body in page.payloads]
    polled = await _polled_before(session, connection_id, [external_id for external_id, _ in payloads])
    deliveries = [
        Delivery(
            id=new_id(),
            msp_id=scope.msp_id,
            tenant_id=scope.tenant_id,
            connection_id=connection_id,
            dedupe_key=external_id,
            body_hash=hashlib.sha256(body).digest(),
            body=body,
            content_type="application/json",
            via="poll",
            received_at=now,
            correlation=current_correlation() or str(new_id()),
        )
        for external_id, body in payloads
        if external_id not in polled
    ]
    new = 0
    if deliveries:
        raw = (await (await session.connection()).get_raw_connection()).driver_connection
        if not isinstance(raw, psycopg.AsyncConnection):
            raise TypeError("the session does not run on psycopg")
        stored = await store_deliveries(raw, deliveries, job_type=TRANSLATE)
        new = sum(result is not Stored.DUPLICATE for result in stored)
        if new:
            lanes = session.info["hints"].setdefault((scope.msp_id, scope.tenant_id), set())
            lanes.add(ingest_lane(connection_id))
    return new


async def _polled_before(session: AsyncSession, connection_id: UUID, ids: list[str]) -> set[str]:
    """The subset of `ids` that were polled before. Payloads polled under one id are equal, even if the bytes differ in
    the time of reading.
    """
    found = await session.scalars(
        text("""
            SELECT dedupe_key FROM source_event_key
             WHERE tenant_id = :t AND connection_id = :c AND dedupe_key = ANY(:ids) AND via = 'poll'
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "ids": ids},
    )
    return set(found)
