"""Repair of the timers of drift scans (`foundation.jobs.repair`)."""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.jobs.repair import ensure_timer
from governance.propagation.settlement import DRIFT_SCAN_EVERY, drift_scan_timer

_SCANNED: Final = text(f"""
    SELECT c.id FROM {CONNECTIONS} c
     WHERE c.tenant_id = :t AND cardinality(c.writes) > 0 AND c.state = 'active'
       AND EXISTS (SELECT 1 FROM channel_value v WHERE v.tenant_id = :t AND v.connection_id = c.id)
""")


async def repair_scans(session: AsyncSession, now: datetime) -> None:
    """Restore the timer of each active channel that has values."""
    for channel in (await session.scalars(_SCANNED, {"t": scope_of(session).tenant_id})).all():
        await ensure_timer(session, **drift_scan_timer(channel), due_at=now + DRIFT_SCAN_EVERY * 1.5)
