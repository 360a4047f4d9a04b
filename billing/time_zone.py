"""The time zone by whose calendar a client is billed."""

from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import day_in
from foundation.database.engine import scope_of
from tenants.relations import CLIENTS


async def load_time_zone(session: AsyncSession) -> str:
    """Time zone of the scope's client; UTC if it has chosen none, and for the MSP's own account."""
    found = await session.scalar(
        text(f"SELECT time_zone FROM {CLIENTS} c WHERE tenant_id = :tenant"), {"tenant": scope_of(session).tenant_id}
    )
    return str(found or "UTC")


async def load_today(session: AsyncSession, now: datetime) -> date:
    """The day of `now` by the calendar of the scope's client."""
    return day_in(await load_time_zone(session), now)
