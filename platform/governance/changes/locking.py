"""Locks changes and their values, in one order."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from governance.changes import repository
from governance.changes.ingest_job import read_world
from governance.changes.planner import World
from governance.changes.rows import ChangeRow
from governance.services import Context


async def lock_changes(
    session: AsyncSession, context: Context, ids: Sequence[UUID | None]
) -> tuple[list[ChangeRow], World]:
    """Changes and what they are judged on, locked in the order of `governance.changes.repository`: values first."""
    seen = await repository.load_changes(session, ids, lock=False)
    world = await read_world(session, context, {(c.record_key, c.element) for c in seen}, awaiting=False)
    return await repository.load_changes(session, ids), world
