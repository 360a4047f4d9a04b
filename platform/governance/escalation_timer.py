"""Timer of the escalation ladder, set where an approval or an exception that it may concern begins or changes."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.jobs.enqueue import set_timer
from governance.job_types import REACH_ESCALATIONS, TIMER_LANE

LEAST_MINUTES: Final = 5
"""The least time of a step, and so the delay of the job: one run serves all subjects that are opened meanwhile."""
_LATER: Final = timedelta(minutes=LEAST_MINUTES)


async def watch_escalations(session: AsyncSession, now: datetime) -> None:
    """Schedule the job that records reached steps, to run in `LEAST_MINUTES`."""
    await schedule_escalations(session, now + _LATER)


async def schedule_escalations(session: AsyncSession, due_at: datetime) -> None:
    await set_timer(session, name=REACH_ESCALATIONS.name, lane=TIMER_LANE, job_type=REACH_ESCALATIONS, due_at=due_at)
