"""Check that roll-ups are the sums of their events: each difference would be money on a line without events."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Period, month_before, month_of
from billing.permissions import BillingPermission
from billing.rating.tariffs import client_scope
from foundation.marks import N_
from foundation.relations import USAGE_EVENTS, USAGE_ROLLUPS
from foundation.usage.ledger import USAGE_COUNT, hour_of
from tenants.notifications.kinds import NoticeSeverity, NotificationKind
from tenants.notifications.notify import notify

USAGE_DIFFERS: Final = NotificationKind(
    code="usage.differs",
    label=N_("Usage totals differ from their events"),
    text=N_("The usage totals of {number} hours differ from their events; invoices of these hours would be wrong"),
    many=N_("{number} times usage totals differed from their events"),
    severity=NoticeSeverity.CRITICAL,
    permission=BillingPermission.READ_PRICE_BOOKS,
    path="/usage",
)


class RollupDifference(msgspec.Struct, frozen=True):
    """Excess of the ledger's events of a meter and hour over their roll-ups."""

    meter: str
    hour: datetime
    events: int
    quantity: Decimal


async def find_rollup_differences(session: AsyncSession, *, period: Period) -> Sequence[RollupDifference]:
    """Find at most 20 differences in the client's usage of the period. Empty unless the tables were written by hand."""
    binds = {"t": client_scope(session).tenant_id, "start": period.start, "end": period.end}
    rows = await session.execute(_DIFFERENCES, binds)
    return [RollupDifference(row.meter, row.hour, row.events, row.quantity) for row in rows]


async def review_rollups(session: AsyncSession, now: datetime) -> None:
    """Notify of differences in this month and the one before. In the client's scope, every day."""
    found: list[RollupDifference] = []
    for period in (month_before(now), month_of(now)):
        found += await find_rollup_differences(session, period=period)
    if found:
        notify(session, USAGE_DIFFERS, topic="rollups", path="/usage", at=now, params={"number": str(len(found))})


_DIFFERENCES: Final = text(f"""
    SELECT meter, hour, sum(events)::bigint AS events, sum(quantity) AS quantity
      FROM (SELECT meter, {hour_of("occurred_at")} AS hour, count(*) AS rows, {USAGE_COUNT} AS events,
                   sum(quantity) AS quantity
              FROM {USAGE_EVENTS} u
             WHERE tenant_id = :t AND occurred_at >= :start AND occurred_at < :end GROUP BY 1, 2
             UNION ALL
            SELECT meter, hour, -sum(rows), -sum(events), -sum(quantity) FROM {USAGE_ROLLUPS} n
             WHERE tenant_id = :t AND hour >= :start AND hour < :end GROUP BY 1, 2) entry
     GROUP BY meter, hour HAVING sum(rows) <> 0 OR sum(events) <> 0 OR sum(quantity) <> 0
     ORDER BY meter, hour LIMIT 20
""")
