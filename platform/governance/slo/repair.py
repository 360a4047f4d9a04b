"""Repair of the timers of SLOs (`foundation.jobs.repair`)."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.jobs.repair import ensure_timer
from governance.job_types import BREACH_SLOS, ESCALATE_EXCEPTIONS, TIMER_LANE
from governance.slo.breach_job import NEXT_BREACH
from governance.slo.escalation_job import NEXT_ESCALATION

_DUE: Final = ((BREACH_SLOS, NEXT_BREACH), (ESCALATE_EXCEPTIONS, NEXT_ESCALATION))


async def repair_slos(session: AsyncSession, _: datetime) -> None:
    """Restore the timers of the next late delivery and the next overdue exception."""
    for job_type, due in _DUE:
        due_at: datetime | None = await session.scalar(due, {"t": scope_of(session).tenant_id})
        if due_at is not None:
            await ensure_timer(session, name=job_type.name, lane=TIMER_LANE, job_type=job_type, due_at=due_at)
