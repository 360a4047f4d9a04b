"""Pausing and resuming a connection; while a channel is paused, its delivery clocks stand still."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from connectors.connections import get_connection, set_connection_state
from governance.propagation.pause import exclude_pause, resolve_pause


async def pause_connection(session: AsyncSession, connection_id: UUID, *, now: datetime) -> None:
    """Raises NotFound."""
    await set_connection_state(session, connection_id, state="paused", now=now)


async def resume_connection(session: AsyncSession, connection_id: UUID, *, now: datetime) -> None:
    """Deliveries that had time left when it was paused have the same time left now. Raises NotFound."""
    paused_at = (await get_connection(session, connection_id)).paused_at
    await set_connection_state(session, connection_id, state="active", now=now)
    await resolve_pause(session, connection_id, now=now)
    if paused_at is not None:
        await exclude_pause(session, connection_id, since=paused_at, now=now)
