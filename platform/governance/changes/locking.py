"""Locking of changes and their values in one fixed order."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from governance.changes import repository
from governance.changes.planner import DecisionSnapshot
from governance.changes.read_observations import load_snapshot
from governance.changes.rows import ChangeRow
from governance.services import GovernanceServices


async def lock_changes(
    session: AsyncSession, services: GovernanceServices, ids: Sequence[UUID | None]
) -> tuple[list[ChangeRow], DecisionSnapshot]:
    """Lock changes and what they were decided on, values first (lock order of `governance.changes.repository`)."""
    seen = await repository.load_changes(session, ids, lock=False)
    snapshot = await load_snapshot(session, services, {c.key for c in seen}, awaiting=False)
    return await repository.load_changes(session, ids), snapshot
