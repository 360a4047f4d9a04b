"""Pausing and resuming a connection; while a channel is paused, its delivery clocks stand still."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from connectors.connections import get_connection, set_connection_state
from governance.delivery import exclude_time
from governance.exceptions import resolve_corrected
from governance.writing import start_clock

CONNECTION_IS_PAUSED: Final = "connection.paused"


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


async def resolve_pause(session: AsyncSession, connection_id: UUID, *, now: datetime) -> None:
    """Unless it was paused again meanwhile."""
    if (await get_connection(session, connection_id)).state == "active":
        await resolve_corrected(session, CONNECTION_IS_PAUSED, [str(connection_id)], now=now)


async def exclude_pause(session: AsyncSession, connection_id: UUID, *, since: datetime, now: datetime) -> None:
    """Does nothing the second time."""
    following = await exclude_time(session, since=since, now=now, channel_id=connection_id)
    if following is not None:
        await start_clock(session, following)
