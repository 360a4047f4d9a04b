"""A client's usage of every meter in a period. Published to rooms above, for their reports."""

from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Period
from billing.usage.counting import MeterAggregation
from billing.usage.measure import MeasuredSpan, measure_spans, seconds_between
from billing.usage.meters import load_countings
from foundation.database.engine import scope_of
from foundation.relations import USAGE_ROLLUPS


async def read_quantities(session: AsyncSession, period: Period) -> Mapping[str, Decimal]:
    """Read quantities by meter, of the scope's client. Sums are those of whole hours of UTC. Meters without usage are
    left out.
    """
    client = scope_of(session).tenant_id
    rows = await session.execute(
        text(f"""
            SELECT u.meter, sum(u.events) AS events, sum(u.quantity) AS quantity FROM {USAGE_ROLLUPS} u
             WHERE u.tenant_id = :t AND u.hour >= :start AND u.hour < :end GROUP BY u.meter ORDER BY u.meter
        """),
        {"t": client, "start": period.start, "end": period.end},
    )
    countings, found = await load_countings(session), dict[str, Decimal]()
    for row in rows:
        counting = countings.get(row.meter)
        if counting is None:
            found[row.meter] = Decimal(row.quantity)
        elif counting.aggregation is MeterAggregation.COUNT:
            found[row.meter] = Decimal(row.events)
        else:
            span = MeasuredSpan(row.meter, client, period.start, period.end, seconds_between(period.start, period.end))
            measured = await measure_spans(session, row.meter, counting, [span])
            found[row.meter] = measured.get(row.meter, Decimal(0))
    return found
