"""A month's deliveries against their targets, for the credits that billing gives for missed ones."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import month_before
from billing.sla.assess import MOST_NAMED, Attainment, Breach, is_attainment_wanted, record_attainment
from foundation.database.engine import scope_of
from foundation.ids import new_id
from governance.propagation.delivery import LATE

_SETTLING: Final = timedelta(days=1)
"""After the month's end, so that its last deliveries are visible or late."""
_COUNTED: Final = """p.tenant_id = :t AND p.released_at >= :start AND p.released_at < :end
                     AND p.state NOT IN ('superseded', 'stale_approval')"""


async def assess_month(session: AsyncSession, now: datetime) -> None:
    """Record the attainment of the month before, once, for a client whose terms want it."""
    scope, month = scope_of(session), month_before(now)
    if scope.tenant_id == scope.msp_id or now < month.end + _SETTLING or not await is_attainment_wanted(session, month):
        return
    keys = {"t": scope.tenant_id, "start": month.start, "end": month.end, "now": now, "most": MOST_NAMED}
    counts = (await session.execute(_COUNTS, keys)).one()
    breaches = [Breach(*row) for row in (await session.execute(_BREACHES, keys)).all()]
    found = Attainment(month, counts.deliveries, counts.late, breaches)
    await record_attainment(session, found, now=now, new_id=new_id)


_COUNTS = text(f"""
    SELECT count(*) AS deliveries, count(*) FILTER (WHERE {LATE}) AS late FROM propagation p WHERE {_COUNTED}
""")
_BREACHES = text(f"""
    SELECT p.change_id, p.connection_id, p.slo_due_at, p.verified_at FROM propagation p WHERE {_COUNTED} AND {LATE}
     ORDER BY p.slo_due_at, p.change_id, p.connection_id LIMIT :most
""")
