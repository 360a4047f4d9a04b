"""Time of a suspension, which does not count as waiting."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from governance.escalation_timer import schedule_escalations
from governance.escalations.models import EscalationPause


async def record_pause(session: AsyncSession, since: datetime, now: datetime) -> None:
    """Record that the scope's client was suspended from `since` to `now`."""
    scope = scope_of(session)
    statement = insert(EscalationPause).values(
        tenant_id=scope.tenant_id, msp_id=scope.msp_id, paused_from=since, paused_until=now
    )
    await session.execute(statement.on_conflict_do_nothing())
    await schedule_escalations(session, now)
