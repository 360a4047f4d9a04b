"""Jobs of connection health: an exception for a connection that keeps failing, until it recovers or is paused."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.health import IS_FAILING
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import set_timer
from foundation.jobs.registry import Handler
from foundation.jobs.repair import ensure_timer
from foundation.jobs.types import NoPayload
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import auto_resolve, open_exceptions
from governance.exceptions.rows import NewException
from governance.job_types import CHECK_HEALTH, ConnectionTurn, WatchConnection, health_lane
from governance.messages import exceptions as messages
from governance.propagation.settlement import schedule_drift_scan
from governance.records.routing import IS_CHANNEL
from governance.services import GovernanceServices

FAILING_AFTER: Final = timedelta(minutes=5)
"""Time without a success. Shorter failures are tolerated without an exception."""


class ConnectionHealth(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    is_channel: bool
    failing: bool  # and active
    worked_at: datetime
    last_error: dict[str, Any] | None  # a message


def watch_handler(services: GovernanceServices) -> Handler[WatchConnection]:
    """Handler of events: connection paused, resumed, failing or recovered."""

    async def watch(batch: Batch[WatchConnection]) -> None:
        turns = {item.ref: item.payload for item in batch.items if item.ref is not None}
        async with batch.commit() as session:
            await watch_connections(session, services, {id_: turns[id_] for id_ in sorted(turns)})

    return watch


def health_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def check_health(batch: Batch[NoPayload]) -> None:
        async with batch.commit() as session:
            await check_connection_health(session, services, batch.connection_id)

    return check_health


async def watch_connections(
    session: AsyncSession, services: GovernanceServices, turns: Mapping[UUID, WatchConnection]
) -> None:
    """Process the latest event of each connection."""
    ids = list(turns)
    now = {health.id: health for health in await _load_health(session, ids)}
    for connection_id, watched in turns.items():
        health = now.get(connection_id)
        resumed = health if watched.turn is ConnectionTurn.RESUMED else None
        # No failure event follows for a connection that failed when it was paused and still fails after its resumption.
        counts = watched.turn is ConnectionTurn.FAILING or (resumed is not None and resumed.failing)
        await _set_timer(session, connection_id, watched.at + FAILING_AFTER if counts else None)
        if resumed is not None and resumed.is_channel:
            await schedule_drift_scan(session, connection_id, now=watched.at, jitter=services.jitter)
    still = {row.id: row for row in await _still_paused(session, ids)}
    found = [_paused(still[id_]) for id_ in ids if turns[id_].turn is ConnectionTurn.PAUSED and id_ in still]
    await open_exceptions(session, found, now=services.clock(), new_id=services.new_id)
    # Covers every way of resuming, and an exception opened concurrently.
    resumed_ids = [str(id_) for id_ in ids if turns[id_].turn is ConnectionTurn.RESUMED and id_ not in still]
    await auto_resolve(session, ExceptionType.CONNECTION_PAUSED, resumed_ids, now=services.clock())
    await _settle(session, services, ids)


async def _still_paused(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    rows = await session.execute(
        text(f"""
            SELECT c.id, c.name, {IS_CHANNEL.format("c")} AS is_channel, c.paused_at FROM {CONNECTIONS} c
             WHERE c.tenant_id = :t AND c.id = ANY (:ids) AND c.state = 'paused' ORDER BY c.id
        """),
        {"t": scope_of(session).tenant_id, "ids": list(ids)},
    )
    return rows.all()


def _paused(row: Row[Any]) -> NewException:
    """Exception about a paused connection, resolved on resumption (`governance.connections.pause`)."""
    paused = messages.CHANNEL_PAUSED if row.is_channel else messages.SOURCE_PAUSED
    return NewException(
        code=ExceptionType.CONNECTION_PAUSED,
        subject=str(row.id),
        message=paused.fill(name=row.name),
        channels=int(row.is_channel),
        connection_id=row.id,
    )


async def check_connection_health(session: AsyncSession, services: GovernanceServices, connection_id: UUID) -> None:
    now = services.clock()
    failing = [health for health in await _load_health(session, [connection_id]) if health.failing]
    late = [health for health in failing if health.worked_at + FAILING_AFTER <= now]
    await open_exceptions(session, [_exception(health) for health in late], now=now, new_id=services.new_id)
    for health in failing:
        if health not in late:  # a success in between
            await _set_timer(session, health.id, health.worked_at + FAILING_AFTER)
    await _settle(session, services, [connection_id])


async def repair_health_timers(session: AsyncSession, now: datetime) -> None:
    """Restore the timers of active failing connections that have no open exception."""
    rows = await session.execute(
        text(f"""
            SELECT c.id, coalesce(c.last_success_at, c.created_at) FROM {CONNECTIONS} c
             WHERE c.tenant_id = :t AND c.state = 'active' AND {IS_FAILING}
               AND NOT EXISTS (SELECT 1 FROM governance_exception e WHERE e.tenant_id = :t AND e.state = 'open'
                                  AND e.code = :code AND e.subject = c.id::varchar)
        """),
        {"t": scope_of(session).tenant_id, "code": ExceptionType.CONNECTION_FAILING},
    )
    for connection_id, worked_at in rows.all():
        await ensure_timer(
            session, name=_timer_name(connection_id), lane=health_lane(connection_id), job_type=CHECK_HEALTH,
            due_at=max(now, worked_at + FAILING_AFTER),
        )  # fmt: skip


async def _settle(session: AsyncSession, services: GovernanceServices, ids: Sequence[UUID]) -> None:
    """Resolve the exceptions of connections that no longer fail. Locks the connections last, as the recording of health
    does, so that a concurrent recovery is published after this commit.
    """
    well = [str(health.id) for health in await _load_health(session, ids, lock=True) if not health.failing]
    await auto_resolve(session, ExceptionType.CONNECTION_FAILING, well, now=services.clock())


async def _load_health(session: AsyncSession, ids: Sequence[UUID], *, lock: bool = False) -> list[ConnectionHealth]:
    rows = await session.execute(
        text(f"""
            SELECT id, name, {IS_CHANNEL.format("c")}, state = 'active' AND {IS_FAILING},
                   coalesce(last_success_at, created_at), last_error
              FROM {CONNECTIONS} c WHERE tenant_id = :t AND id = ANY (:ids) ORDER BY id {"FOR SHARE" if lock else ""}
        """),
        {"t": scope_of(session).tenant_id, "ids": list(ids)},
    )
    return [ConnectionHealth(*row) for row in rows]


async def _set_timer(session: AsyncSession, connection_id: UUID, due_at: datetime | None) -> None:
    await set_timer(
        session, name=_timer_name(connection_id), lane=health_lane(connection_id), job_type=CHECK_HEALTH, due_at=due_at
    )


def _timer_name(connection_id: UUID) -> str:
    return f"{CHECK_HEALTH.name}/{connection_id}"


def _exception(health: ConnectionHealth) -> NewException:
    return NewException(
        code=ExceptionType.CONNECTION_FAILING,
        subject=str(health.id),
        message=messages.CONNECTION_FAILING.fill(
            name=health.name, since=health.worked_at, error=health.last_error or ""
        ),
        channels=int(health.is_channel),
        connection_id=health.id,
    )
