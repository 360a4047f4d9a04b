"""Jobs: a connection that has failed for a while is an exception, until it works again or is paused."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.events import CONNECTION_FAILING, CONNECTION_PAUSED, CONNECTION_RESUMED
from connectors.health import IS_FAILING
from foundation.clock import write_utc
from foundation.database.engine import scope_of
from foundation.events import DomainEvent, told
from foundation.jobs.batch import LaneRun
from foundation.jobs.enqueue import set_timer
from foundation.jobs.repair import ensure_timer
from foundation.jobs.types import Handler
from governance.exceptions.defaults import DEFAULT_CORRECTION_MS
from governance.exceptions.lifecycle import open_exceptions, resolve_corrected
from governance.exceptions.rows import NewException
from governance.job_types import STANDING, standing_lane
from governance.propagation.pause import CONNECTION_IS_PAUSED
from governance.propagation.settlement import arm_reread
from governance.services import Context

FAILING: Final = "connection.failing"
FAILING_AFTER: Final = timedelta(minutes=5)
"""Without one success. Shorter troubles are sat out, and tell nobody."""


class Standing(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    role: str
    failing: bool  # and active
    worked_at: datetime
    last_error: str | None


def watch_handler(context: Context) -> Handler:
    """Subscriber to connections that pause, resume, fail or recover."""

    async def watch(run: LaneRun) -> None:
        events = {event.subject: event for event in map(told, run.items)}
        async with run.finishing() as session:
            await watch_connections(session, context, [events[id_] for id_ in sorted(events)])

    return watch


def standing_handler(context: Context) -> Handler:
    async def judge(run: LaneRun) -> None:
        async with run.finishing() as session:
            await judge_standing(session, context, UUID(run.lane.partition("/")[2]))

    return judge


async def watch_connections(session: AsyncSession, context: Context, events: Sequence[DomainEvent]) -> None:
    now = {standing.id: standing for standing in await _standings(session, [event.subject for event in events])}
    for event in events:
        standing = now.get(event.subject)
        resumed = standing if event.kind == CONNECTION_RESUMED else None
        # A connection that failed when it was paused announces no failure when it still fails after it was resumed.
        counts = event.kind == CONNECTION_FAILING or (resumed is not None and resumed.failing)
        await _set_timer(session, event.subject, event.at + FAILING_AFTER if counts else None)
        if resumed is not None and resumed.role == "channel":
            await arm_reread(session, event.subject, now=event.at, draw=context.draw)
    still = {row.id: row for row in await _still_paused(session, [event.subject for event in events])}
    found = [_paused(still[e.subject]) for e in events if e.kind == CONNECTION_PAUSED and e.subject in still]
    await open_exceptions(session, found, now=context.clock(), new_id=context.new_id)
    # Whatever resumed it, and although the exception may have been opened just then.
    resumed_ids = [str(e.subject) for e in events if e.kind == CONNECTION_RESUMED and e.subject not in still]
    await resolve_corrected(session, CONNECTION_IS_PAUSED, resumed_ids, now=context.clock())
    await _settle(session, context, [event.subject for event in events])


async def _still_paused(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    rows = await session.execute(
        text("""
            SELECT id, name, role, paused_at FROM connection
             WHERE tenant_id = :t AND id = ANY (:ids) AND state = 'paused' ORDER BY id
        """),
        {"t": scope_of(session).tenant_id, "ids": list(ids)},
    )
    return rows.all()


def _paused(row: Row[Any]) -> NewException:
    """Resolved when the connection is resumed (`governance.connections.pause`)."""
    effect = (
        "Its buyers keep seeing old values. Changes released meanwhile are sent when it is resumed."
        if row.role == "channel"
        else "No new values arrive from it."
    )
    return NewException(
        code=CONNECTION_IS_PAUSED,
        subject=str(row.id),
        title=f"{row.name} is paused",
        detail=f"{effect} Resume it under Connections.",
        correction_slo_ms=DEFAULT_CORRECTION_MS,
        channels=1 if row.role == "channel" else 0,
        connection_id=row.id,
    )


async def judge_standing(session: AsyncSession, context: Context, connection_id: UUID) -> None:
    now = context.clock()
    failing = [standing for standing in await _standings(session, [connection_id]) if standing.failing]
    late = [standing for standing in failing if standing.worked_at + FAILING_AFTER <= now]
    await open_exceptions(session, [_exception(standing) for standing in late], now=now, new_id=context.new_id)
    for standing in failing:
        if standing not in late:  # it worked in between
            await _set_timer(session, standing.id, standing.worked_at + FAILING_AFTER)
    await _settle(session, context, [connection_id])


async def repair_standing(session: AsyncSession, now: datetime) -> None:
    """An active connection that fails has a timer until its exception is open."""
    rows = await session.execute(
        text(f"""
            SELECT c.id, coalesce(c.last_success_at, c.created_at) FROM connection c
             WHERE c.tenant_id = :t AND c.state = 'active' AND {IS_FAILING}
               AND NOT EXISTS (SELECT 1 FROM governance_exception e WHERE e.tenant_id = :t AND e.state = 'open'
                                  AND e.code = :code AND e.subject = c.id::varchar)
        """),
        {"t": scope_of(session).tenant_id, "code": FAILING},
    )
    for connection_id, worked_at in rows.all():
        await ensure_timer(
            session, name=_timer_name(connection_id), lane=standing_lane(connection_id), kind=STANDING,
            due_at=max(now, worked_at + FAILING_AFTER),
        )  # fmt: skip


async def _settle(session: AsyncSession, context: Context, ids: Sequence[UUID]) -> None:
    """Locked last, as whoever notes health locks it: what recovers meanwhile is told of after this commit."""
    well = [str(standing.id) for standing in await _standings(session, ids, lock=True) if not standing.failing]
    await resolve_corrected(session, FAILING, well, now=context.clock())


async def _standings(session: AsyncSession, ids: Sequence[UUID], *, lock: bool = False) -> list[Standing]:
    rows = await session.execute(
        text(f"""
            SELECT id, name, role, state = 'active' AND {IS_FAILING}, coalesce(last_success_at, created_at), last_error
              FROM connection WHERE tenant_id = :t AND id = ANY (:ids) ORDER BY id {"FOR SHARE" if lock else ""}
        """),
        {"t": scope_of(session).tenant_id, "ids": list(ids)},
    )
    return [Standing(*row) for row in rows]


async def _set_timer(session: AsyncSession, connection_id: UUID, due_at: datetime | None) -> None:
    await set_timer(
        session, name=_timer_name(connection_id), lane=standing_lane(connection_id), kind=STANDING, due_at=due_at
    )


def _timer_name(connection_id: UUID) -> str:
    return f"{STANDING}/{connection_id}"


def _exception(standing: Standing) -> NewException:
    return NewException(
        code=FAILING,
        subject=str(standing.id),
        title=f"{standing.name} is failing",
        detail=f"Nothing has worked since {write_utc(standing.worked_at)}. {standing.last_error or ''} "
        "Changes are queued and resume automatically when it works again.",
        correction_slo_ms=DEFAULT_CORRECTION_MS,
        channels=1 if standing.role == "channel" else 0,
        connection_id=standing.id,
    )
