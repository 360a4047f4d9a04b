"""Immediate poll of a source, requested by a person."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.audit_actions import ConnectionAction
from connectors.connections import get_connection
from connectors.poll_job import POLL, POLL_DIRECTION, poll_lane
from connectors.runtime import ConnectorRuntime
from connectors.states import ConnectionState
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, TooManyRequests
from foundation.jobs.enqueue import has_timer, wake_lanes
from foundation.jobs.repair import ensure_timer
from foundation.marks import N_

AGAIN_AFTER: Final = timedelta(seconds=10)
"""Shortest time after the previous poll, scheduled or requested."""
_LATEST: Final = text("""
    SELECT greatest(c.last_failure_at, (SELECT p.polled_at FROM poll_cursor p
                                         WHERE p.tenant_id = :t AND p.connection_id = :c))
      FROM connection c WHERE c.tenant_id = :t AND c.id = :c FOR UPDATE OF c
""")


async def poll_now(session: AsyncSession, runtime: ConnectorRuntime, connection_id: UUID, *, now: datetime) -> None:
    """Poll a source as soon as a worker is free. A poll that is running, or waits after a failure, is not duplicated.

    Raises:
        NotFound: no such connection.
        Conflict: the connection is paused, or is not polled.
        TooManyRequests: the previous poll was less than `AGAIN_AFTER` ago.
    """
    found = await get_connection(session, connection_id)
    connector = runtime.registry.get(found.kind)
    if connector is None or connector.poll is None or not await has_timer(session, poll_lane(connection_id)):
        raise Conflict(N_("This system is not polled. It sends its changes by itself."))
    if found.state != ConnectionState.ACTIVE:
        raise Conflict(N_("This connection is paused. Resume it first."))
    latest = await session.scalar(_LATEST, {"t": scope_of(session).tenant_id, "c": connection_id})
    if latest is not None and now - latest < AGAIN_AFTER:
        raise TooManyRequests(
            N_("This system was read a few seconds ago. Try again in {seconds} seconds."),
            params={"seconds": AGAIN_AFTER.seconds},
            retry_after=AGAIN_AFTER.seconds,
        )
    lane = poll_lane(connection_id)
    await wake_lanes(session, connection_id, direction=POLL_DIRECTION)
    await ensure_timer(session, name=lane, lane=lane, job_type=POLL, due_at=now)
    append_audit(
        session,
        action=ConnectionAction.CONNECTION_POLL_REQUESTED,
        subject=f"connection:{connection_id}",
        data={"name": found.name},
        at=now,
    )
