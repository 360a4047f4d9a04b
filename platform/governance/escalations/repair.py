"""Repair of the timer of escalation steps (`foundation.jobs.repair`)."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.jobs.repair import ensure_timer
from governance.escalations.ladder import load_ladder
from governance.escalations.queries import find_next_due
from governance.job_types import REACH_ESCALATIONS, TIMER_LANE


async def repair_escalations(session: AsyncSession, _: datetime) -> None:
    """Restore the timer of the next step."""
    due_at = await find_next_due(session, (await load_ladder(session)).steps)
    if due_at is not None:
        await ensure_timer(
            session, name=REACH_ESCALATIONS.name, lane=TIMER_LANE, job_type=REACH_ESCALATIONS, due_at=due_at
        )
