"""Job that records the end of an impersonation by time, even if its session sends no further request."""

from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.relations import AUDIT_ENTRIES
from tenants.audit_actions import TenantAction
from tenants.auth.end_impersonation import write_end
from tenants.auth.impersonation import EndCause, Impersonation
from tenants.impersonation.job_types import LANE, RECORD_END, ImpersonationTime

_LATER: Final = timedelta(minutes=1)
"""Delay after the end: a request that ended the impersonation earlier has committed by then."""
_ENDED: Final = text(f"""
    SELECT count(*) FROM {AUDIT_ENTRIES} a
     WHERE subject = :subject AND action = :action AND body::jsonb #>> '{{data,id}}' = :id
""")


def schedule_end(session: AsyncSession, acting: Impersonation, *, seconds: float) -> None:
    """Enqueue the recording of the end, which is due in `seconds`."""
    payload = ImpersonationTime(acting.id, acting.member_id, acting.by_name, acting.until)
    delay = seconds + _LATER.total_seconds()
    enqueue(session, [NewJob(LANE, RECORD_END, key=str(acting.id), payload=payload, delay=delay)])


async def record_ends(batch: Batch[ImpersonationTime]) -> None:
    async with batch.commit() as session:
        for item in batch.items:
            one = item.payload
            known = {
                "subject": f"member:{one.member_id}",
                "action": TenantAction.IMPERSONATION_ENDED,
                "id": str(one.id),
            }
            if not await session.scalar(_ENDED, known):
                write_end(session, one.id, member_id=one.member_id, by=one.by, cause=EndCause.TIME, at=one.until)
