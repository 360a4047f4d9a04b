"""Jobs: a connection that has failed for a while is an exception, until it works again or is paused."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.events import CONNECTION_FAILING
from connectors.health import IS_FAILING
from foundation.database.engine import scope_of
from foundation.lanes.events import DomainEvent, told
from foundation.lanes.jobs import Handler
from foundation.lanes.run import LaneRun
from foundation.lanes.work import set_timer
from governance.context import Context
from governance.exceptions import open_exceptions, resolve_corrected
from governance.kinds import STANDING, standing_lane
from governance.planning import DEFAULT_CORRECTION_MS
from governance.rows import NewException

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
    """Told of connections that pause, fail or recover."""

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
    for event in events:
        due_at = event.at + FAILING_AFTER if event.kind == CONNECTION_FAILING else None
        await _set_timer(session, event.subject, due_at)
    await _settle(session, context, [event.subject for event in events])


async def judge_standing(session: AsyncSession, context: Context, connection_id: UUID) -> None:
    now = context.clock()
    failing = [standing for standing in await _standings(session, [connection_id]) if standing.failing]
    late = [standing for standing in failing if standing.worked_at + FAILING_AFTER <= now]
    await open_exceptions(session, [_exception(standing) for standing in late], now=now, new_id=context.new_id)
    for standing in failing:
        if standing not in late:  # it worked in between
            await _set_timer(session, standing.id, standing.worked_at + FAILING_AFTER)
    await _settle(session, context, [connection_id])


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
    name = f"{STANDING}/{connection_id}"
    await set_timer(session, name=name, lane=standing_lane(connection_id), kind=STANDING, due_at=due_at)


def _exception(standing: Standing) -> NewException:
    return NewException(
        code=FAILING,
        subject=str(standing.id),
        title=f"{standing.name} cannot be reached or does not take part",
        detail=f"Nothing has worked since {standing.worked_at:%Y-%m-%d %H:%M} UTC. {standing.last_error or ''} "
        "Everything waits, in order, and goes on by itself when it works again.",
        correction_slo_ms=DEFAULT_CORRECTION_MS,
        channels=1 if standing.role == "channel" else 0,
        connection_id=standing.id,
    )
