"""Repair of the release of held observations (`foundation.jobs.repair`)."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from governance.elements.held_observations import schedule_release


async def repair_held_observations(session: AsyncSession, _: datetime) -> None:
    """Release the observations whose contract is published by now."""
    await schedule_release(session)
