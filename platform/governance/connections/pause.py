"""Pause and resumption of a connection; a paused channel's delivery clocks stop."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from connectors.connections import get_connection, set_connection_state
from connectors.states import ConnectionState
from governance.propagation.pause import exclude_pause, resolve_pause


async def pause_connection(session: AsyncSession, connection_id: UUID, *, now: datetime) -> None:
    """Pause a connection. Raises NotFound."""
    await set_connection_state(session, connection_id, state=ConnectionState.PAUSED, now=now)


async def resume_connection(session: AsyncSession, connection_id: UUID, *, now: datetime) -> None:
    """Resume a connection; deliveries keep the time that was left when the pause began. Raises NotFound."""
    paused_at = (await get_connection(session, connection_id)).paused_at
    await set_connection_state(session, connection_id, state=ConnectionState.ACTIVE, now=now)
    await resolve_pause(session, connection_id, now=now)
    if paused_at is not None:
        await exclude_pause(session, connection_id, since=paused_at, now=now)
