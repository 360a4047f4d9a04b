"""Effects of a channel's pause: its delivery clocks stop, and its exception is resolved on resumption."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from connectors.connections import get_connection
from connectors.states import ConnectionState
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import auto_resolve
from governance.propagation.delivery import exclude_time
from governance.propagation.distribute import start_clock


async def resolve_pause(session: AsyncSession, connection_id: UUID, *, now: datetime) -> None:
    """Resolve the exception about the pause, unless the connection was paused again."""
    if (await get_connection(session, connection_id)).state == ConnectionState.ACTIVE:
        await auto_resolve(session, ExceptionType.CONNECTION_PAUSED, [str(connection_id)], now=now)


async def exclude_pause(session: AsyncSession, connection_id: UUID, *, since: datetime, now: datetime) -> None:
    """Exclude the pause from running deliveries. Idempotent."""
    following = await exclude_time(session, since=since, now=now, channel_id=connection_id)
    if following is not None:
        await start_clock(session, following)
