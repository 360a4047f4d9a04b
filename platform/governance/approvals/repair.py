"""Repair of the timer of expiring approvals (`foundation.jobs.repair`)."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.jobs.repair import ensure_timer
from governance.approvals.expiry_job import NEXT_APPROVAL
from governance.job_types import EXPIRE_APPROVALS, TIMER_LANE


async def repair_expiry(session: AsyncSession, _: datetime) -> None:
    """Restore the timer of the next approval that expires or becomes overdue."""
    due_at: datetime | None = await session.scalar(NEXT_APPROVAL, {"t": scope_of(session).tenant_id})
    if due_at is not None:
        await ensure_timer(
            session, name=EXPIRE_APPROVALS.name, lane=TIMER_LANE, job_type=EXPIRE_APPROVALS, due_at=due_at
        )
