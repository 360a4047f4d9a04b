"""Repair of governance's timers from the state of the database (`foundation.jobs.repair`)."""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.poll_job import POLL, poll_lane
from foundation.database.engine import scope_of
from foundation.jobs.repair import ensure_timer
from governance import job_types
from governance.approvals.expiry_job import NEXT_APPROVAL
from governance.connections.health_job import repair_health_timers
from governance.elements.held_observations import schedule_release
from governance.propagation.settlement import DRIFT_SCAN_EVERY, drift_scan_timer
from governance.slo.breach_job import NEXT_BREACH
from governance.slo.escalation_job import NEXT_ESCALATION

_DUE: Final = {
    job_types.BREACH_SLOS: NEXT_BREACH,
    job_types.ESCALATE_EXCEPTIONS: NEXT_ESCALATION,
    job_types.EXPIRE_APPROVALS: NEXT_APPROVAL,
}
_SCANNED: Final = text("""
    SELECT c.id FROM connection c
     WHERE c.tenant_id = :t AND c.role = 'channel' AND c.state = 'active'
       AND EXISTS (SELECT 1 FROM channel_value v WHERE v.tenant_id = :t AND v.connection_id = c.id)
""")
_SOURCES: Final = text("""
    SELECT DISTINCT c.id FROM baseline b
      JOIN baseline_part p ON p.tenant_id = :t AND p.baseline_id = b.id AND p.role = 'erp'
      JOIN connection c ON c.tenant_id = :t AND c.id = p.connection_id AND c.state = 'active'
     WHERE b.tenant_id = :t AND b.state = 'accepted'
       AND EXISTS (SELECT 1 FROM element_contract k WHERE k.tenant_id = :t AND k.source_connection_id = c.id)
       AND NOT EXISTS (SELECT 1 FROM timer t WHERE t.tenant_id = :t AND t.name = 'poll/' || c.id)
""")


async def repair_governance(session: AsyncSession, now: datetime) -> None:
    """Restore timers and jobs of clocks, approvals, drift scans, health checks, polls of sources whose baseline was
    accepted, and held observations whose contract is published.
    """
    tenant = {"t": scope_of(session).tenant_id}
    for kind, due in _DUE.items():
        due_at: datetime | None = await session.scalar(due, tenant)
        if due_at is not None:
            await ensure_timer(session, name=kind, lane=job_types.TIMER_LANE, kind=kind, due_at=due_at)
    for channel in (await session.scalars(_SCANNED, tenant)).all():
        await ensure_timer(session, **drift_scan_timer(channel), due_at=now + DRIFT_SCAN_EVERY * 1.5)
    for source in (await session.scalars(_SOURCES, tenant)).all():
        await ensure_timer(session, name=poll_lane(source), lane=poll_lane(source), kind=POLL, due_at=now)
    await repair_health_timers(session, now)
    await schedule_release(session)
