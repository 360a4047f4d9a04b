"""Timer job: escalates an overdue exception once; raises its severity and audits the escalation."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import bindparam

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import set_timer
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from governance.audit_actions import ExceptionAction
from governance.escalation_timer import watch_escalations
from governance.exceptions.severity import OVERDUE
from governance.job_types import ESCALATE_EXCEPTIONS, TIMER_LANE
from governance.services import GovernanceServices

_BATCH: Final = 1000
_WAITING: Final = "state = 'open' AND escalated_at IS NULL"
_ESCALATE: Final = text(f"""
    WITH due AS (
        SELECT e.id FROM governance_exception e
         WHERE e.tenant_id = :t AND e.{_WAITING} AND e.correction_due_at <= :now
         ORDER BY e.correction_due_at LIMIT :batch
    ), locked AS (
        SELECT e.id FROM due JOIN governance_exception e USING (id)
         WHERE e.tenant_id = :t AND e.{_WAITING} ORDER BY e.code, e.subject FOR UPDATE OF e
    )
    UPDATE governance_exception e SET escalated_at = :now, severity = least(100, e.severity + :points),
           severity_factors = jsonb_set(e.severity_factors, '{{factors}}',
                                        coalesce(e.severity_factors -> 'factors', '[]') || :factor)
      FROM locked WHERE e.tenant_id = :t AND e.id = locked.id
    RETURNING e.subject, e.code, e.severity, e.correlation
""").bindparams(bindparam("factor", type_=JSONB))

NEXT_ESCALATION: Final = text(
    f"SELECT min(correction_due_at) FROM governance_exception WHERE tenant_id = :t AND {_WAITING}"
)


def escalation_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def check_corrections(batch: Batch[NoPayload]) -> None:
        async with batch.commit() as session:
            await escalate_overdue(session, services)

    return check_corrections


async def escalate_overdue(session: AsyncSession, services: GovernanceServices) -> int:
    """Escalate overdue exceptions and set the timer to the next correction clock. Returns the number escalated."""
    now, tenant = services.clock(), {"t": scope_of(session).tenant_id}
    values = {**tenant, "now": now, "batch": _BATCH, "points": OVERDUE["points"], "factor": [OVERDUE]}
    rows = (await session.execute(_ESCALATE, values)).all()
    for row in rows:
        append_audit(
            session,
            correlation=row.correlation,
            action=ExceptionAction.EXCEPTION_ESCALATED,
            subject=f"exception:{row.subject}",
            data={"code": row.code, "severity": row.severity},
            at=now,
        )
    if rows:  # a step may begin at a higher severity
        await watch_escalations(session, now)
    following = await session.scalar(NEXT_ESCALATION, tenant)
    if following is not None:
        await set_timer(
            session, name=ESCALATE_EXCEPTIONS.name, lane=TIMER_LANE, job_type=ESCALATE_EXCEPTIONS, due_at=following
        )
    return len(rows)
