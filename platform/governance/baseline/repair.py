"""Repair of the polls of sources whose baseline was accepted (`foundation.jobs.repair`)."""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.poll_job import POLL, poll_lane
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.jobs.repair import ensure_timer
from foundation.relations import TIMERS

_SOURCES: Final = text(f"""
    SELECT DISTINCT c.id FROM baseline b
      JOIN baseline_part p ON p.tenant_id = :t AND p.baseline_id = b.id AND p.role = 'source'
      JOIN {CONNECTIONS} c ON c.tenant_id = :t AND c.id = p.connection_id AND c.state = 'active'
     WHERE b.tenant_id = :t AND b.state = 'accepted'
       AND EXISTS (SELECT 1 FROM element_contract k WHERE k.tenant_id = :t AND k.source_connection_id = c.id)
       AND NOT EXISTS (SELECT 1 FROM {TIMERS} t WHERE t.tenant_id = :t AND t.name = 'poll/' || c.id)
""")


async def repair_source_polls(session: AsyncSession, now: datetime) -> None:
    """Poll each active source of an accepted baseline that has no timer."""
    for source in (await session.scalars(_SOURCES, {"t": scope_of(session).tenant_id})).all():
        await ensure_timer(session, name=poll_lane(source), lane=poll_lane(source), job_type=POLL, due_at=now)
