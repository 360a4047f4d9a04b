"""End of the deliveries to a channel that is deleted."""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from governance.propagation.states import RUNNING, PropagationState

_ABANDON: Final = text(f"""
    WITH locked AS (
        SELECT p.change_id, p.connection_id FROM propagation p
         WHERE p.tenant_id = :t AND p.connection_id = :c AND p.{RUNNING}
         ORDER BY p.change_id FOR UPDATE)
    UPDATE propagation p SET state = '{PropagationState.SUPERSEDED}' FROM locked
     WHERE p.tenant_id = :t AND p.change_id = locked.change_id AND p.connection_id = locked.connection_id
""")
"""Locks in the order of settlements (`governance.propagation.repository`), to avoid deadlocks."""


async def abandon_deliveries(session: AsyncSession, connection_id: UUID) -> None:
    """End all running deliveries to the channel. Values sent without a read-back stay unverified."""
    await session.execute(_ABANDON, {"t": scope_of(session).tenant_id, "c": connection_id})
