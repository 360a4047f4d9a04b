"""Quantities of meters that do not simply add up, from their events, in one statement per meter.

A reversed event does not count, as if it had never been reported. The results are those of
`billing.pricing.aggregation`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.usage.counting import Counting, MeterAggregation
from foundation.relations import USAGE_EVENTS

CARRIED: Final = timedelta(days=366)
"""Time for which a level is carried if it is not reported again."""
_PLACES: Final = 9
VALUE: Final = "coalesce(r.dimensions ->> :dimension, '')"
"""SQL of the dimension's value of a reported event `r`."""
COUNTED: Final = """NOT u.is_reversal AND NOT EXISTS (
    SELECT 1 FROM reported_usage x WHERE x.tenant_id = u.tenant_id AND x.reverses = r.id)"""
"""SQL: an event `u`, reported as `r`, is no reversal and was not reversed."""
_OF_VALUE: Final = {
    MeterAggregation.MAX: "max(quantity)",
    MeterAggregation.UNIQUE: "1",
    MeterAggregation.LATEST: "(array_agg(quantity ORDER BY at DESC, id DESC))[1]",
    # Nearest rank, in exact numbers: percentile_disc computes in floating point.
    MeterAggregation.PERCENTILE: "max(quantity) FILTER (WHERE place = greatest(1, ceil(:percentile * n / 100)))",
}


class MeasuredSpan(msgspec.Struct, frozen=True):
    """A client's time from `start` until `end`. Spans of one key have one quantity; a level is averaged over `seconds`,
    those of the whole period.
    """

    key: str
    client_id: UUID
    start: datetime
    end: datetime
    seconds: Decimal


def seconds_between(start: datetime, end: datetime) -> Decimal:
    return Decimal((end - start) // timedelta(microseconds=1)) / 1_000_000


async def measure_spans(
    session: AsyncSession, meter: str, counting: Counting, spans: Sequence[MeasuredSpan]
) -> Mapping[str, Decimal]:
    """Quantities of all events in the ledger by key, of disjoint spans. Keys without usage are omitted."""
    if not spans:
        return {}
    binds = {
        "keys": [span.key for span in spans], "clients": [span.client_id for span in spans],
        "starts": [span.start for span in spans], "ends": [span.end for span in spans], "meter": meter,
    }  # fmt: skip
    if counting.aggregation is MeterAggregation.TIME_WEIGHTED:
        return await _measure_levels(session, counting, spans, binds)
    source = f"""
        SELECT s.key, u.quantity, u.occurred_at AS at, u.id, {VALUE} AS value
          FROM unnest(CAST(:keys AS varchar[]), CAST(:clients AS uuid[]), CAST(:starts AS timestamptz[]),
                      CAST(:ends AS timestamptz[])) AS s (key, client_id, starts, ends)
          JOIN {USAGE_EVENTS} u ON u.tenant_id = s.client_id AND u.meter = :meter
                               AND u.occurred_at >= s.starts AND u.occurred_at < s.ends
          JOIN reported_usage r ON r.tenant_id = u.tenant_id AND r.id = u.id
         WHERE {COUNTED}
    """
    return await measure(session, counting, source, binds)


async def measure(
    session: AsyncSession, counting: Counting, source: str, binds: Mapping[str, Any]
) -> Mapping[str, Decimal]:
    """Quantities by key. `source`: SQL of events that count, with the columns key, quantity, at, id and value."""
    ranked = ""
    if counting.aggregation is MeterAggregation.PERCENTILE:
        ranked = """, row_number() OVER (PARTITION BY key, value ORDER BY quantity, id) AS place,
                      count(*) OVER (PARTITION BY key, value) AS n"""
    only = "WHERE value <> ''" if counting.aggregation is MeterAggregation.UNIQUE else ""
    rows = await session.execute(
        text(f"""
            WITH event AS ({source}),
                 ranked AS (SELECT *{ranked} FROM event {only}),
                 part AS (SELECT key, value, {_OF_VALUE[counting.aggregation]} AS quantity
                            FROM ranked GROUP BY key, value)
            SELECT key, sum(quantity) AS quantity FROM part GROUP BY key
        """),
        {**binds, **binds_of(counting)},
    )
    return {row.key: Decimal(row.quantity) for row in rows}


def binds_of(counting: Counting) -> dict[str, Any]:
    binds: dict[str, Any] = {"dimension": counting.dimension}
    if counting.aggregation is MeterAggregation.PERCENTILE:
        binds["percentile"] = counting.percentile
    return binds


async def _measure_levels(
    session: AsyncSession, counting: Counting, spans: Sequence[MeasuredSpan], binds: Mapping[str, Any]
) -> Mapping[str, Decimal]:
    """Level times seconds, by the seconds of the period. A level holds from its report until the next one."""
    rows = await session.execute(
        text(f"""
            WITH level AS (
                SELECT u.tenant_id, u.quantity, u.occurred_at AS at,
                       least(lead(u.occurred_at) OVER (PARTITION BY u.tenant_id, {VALUE} ORDER BY u.occurred_at, u.id),
                             u.occurred_at + CAST(:carried AS interval)) AS until
                  FROM {USAGE_EVENTS} u JOIN reported_usage r ON r.tenant_id = u.tenant_id AND r.id = u.id
                 WHERE u.tenant_id = ANY (CAST(:clients AS uuid[])) AND u.meter = :meter
                   AND u.occurred_at >= :first AND u.occurred_at < :last AND {COUNTED})
            SELECT s.key, round(sum(l.quantity
                       * extract(epoch FROM least(s.ends, l.until) - greatest(s.starts, l.at)) / s.seconds), {_PLACES})
                   AS quantity
              FROM unnest(CAST(:keys AS varchar[]), CAST(:clients AS uuid[]), CAST(:starts AS timestamptz[]),
                          CAST(:ends AS timestamptz[]), CAST(:seconds AS numeric[]))
                   AS s (key, client_id, starts, ends, seconds)
              JOIN level l ON l.tenant_id = s.client_id AND l.at < s.ends AND l.until > s.starts
             GROUP BY s.key
        """),
        {
            **binds, **binds_of(counting), "seconds": [span.seconds for span in spans], "carried": CARRIED,
            "first": min(span.start for span in spans) - CARRIED, "last": max(span.end for span in spans),
        },
    )  # fmt: skip
    return {row.key: Decimal(row.quantity) for row in rows}
