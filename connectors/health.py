"""When a connection last worked and last failed, for the people who look after it."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of

ALWAYS = timedelta(0)


async def note_health(
    session: AsyncSession, connection_id: UUID, *, now: datetime, error: str | None = None, every: timedelta = ALWAYS
) -> None:
    """`every` bounds the writes per connection, so that health costs nothing under load."""
    column = "last_failure_at" if error else "last_success_at"
    await session.execute(
        text(f"""
            UPDATE connection SET {column} = :now, last_error = coalesce(:error, last_error)
             WHERE tenant_id = :t AND id = :c
               AND (CAST(:every AS interval) = interval '0'
                    OR coalesce({column}, '-infinity') < :now - CAST(:every AS interval))
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "now": now, "error": error, "every": every},
    )
