"""A month's deliveries against their targets, for the service credits that billing gives for missed targets."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Period, local_month, month_before
from billing.sla.assess import MOST_NAMED, Attainment, Breach, is_attainment_wanted, record_attainment
from billing.time_zone import load_time_zone
from foundation.database.engine import scope_of
from foundation.ids import new_id
from governance.propagation.delivery import LATE

_SETTLING: Final = timedelta(days=1)
"""Wait after the month's end, so that its last deliveries are visible or late."""
_LONGEST: Final = timedelta(days=27)
"""Longest wait after the month's end; a delivery that is still undecided then counts as in time."""
_COUNTED: Final = """p.tenant_id = :t AND p.released_at >= :start AND p.released_at < :end
                     AND p.state NOT IN ('superseded', 'stale_approval')"""


async def assess_month(session: AsyncSession, now: datetime) -> None:
    """Record the attainment of the two months before by the client's clocks, each once, if its terms need it."""
    scope, last = scope_of(session), month_before(now)
    if scope.tenant_id == scope.msp_id:
        return
    for month in (month_before(last.start), last):
        if now >= month.end + _SETTLING and await is_attainment_wanted(session, month):
            await _assess(session, month, now)


async def _assess(session: AsyncSession, month: Period, now: datetime) -> None:
    """Record a month's attainment, once each of its deliveries is visible or late: a target may end after the month."""
    scope, time = scope_of(session), local_month(month, await load_time_zone(session))
    keys = {"t": scope.tenant_id, "start": time.start, "end": time.end, "now": now, "most": MOST_NAMED}
    counts = (await session.execute(_COUNTS, keys)).one()
    if counts.undecided and now < time.end + _LONGEST:
        return
    breaches = [Breach(*row) for row in (await session.execute(_BREACHES, keys)).all()]
    found = Attainment(month, counts.deliveries, counts.late, breaches)
    await record_attainment(session, found, now=now, new_id=new_id)


_COUNTS = text(f"""
    SELECT count(*) AS deliveries, count(*) FILTER (WHERE {LATE}) AS late,
           count(*) FILTER (WHERE p.verified_at IS NULL AND p.slo_due_at >= :now) AS undecided
      FROM propagation p WHERE {_COUNTED}
""")
_BREACHES = text(f"""
    SELECT p.change_id, p.connection_id, p.slo_due_at, p.verified_at FROM propagation p WHERE {_COUNTED} AND {LATE}
     ORDER BY p.slo_due_at, p.change_id, p.connection_id LIMIT :most
""")
