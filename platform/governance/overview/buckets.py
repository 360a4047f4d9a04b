"""Intervals of the dashboard's charts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.ids import id_floor
from governance.overview.queries import DECIDING, decided_late
from governance.propagation.delivery import DECISION_SECONDS, DELIVERY_SECONDS

_NEWEST: Final = 20_000
DELIVERING: Final = timedelta(hours=3)
"""Longest time from the proposal to the read-back that a chart shows, of changes that no one had to decide."""


class TimeBucket(msgspec.Struct, frozen=True):
    """One interval of the charts. Seconds are None without deliveries, or decisions by people, in the interval."""

    start: datetime
    automatic: int
    reviewed: int
    refused: int
    half_s: float | None
    most_s: float | None
    decision_half_s: float | None
    decision_most_s: float | None


async def read_buckets(session: AsyncSession, *, start: datetime, width: timedelta, count: int) -> Sequence[TimeBucket]:
    """Read `count` intervals of `width` from `start`, oldest first."""
    rows = await session.execute(
        text(f"""
            WITH stretches AS (
                SELECT n, CAST(:start AS timestamptz) + n * CAST(:width AS interval) AS start
                  FROM generate_series(0, :count - 1) AS n
            ), made AS (
                SELECT floor(extract(epoch FROM proposed_at - :start) / :seconds) AS n,
                       count(*) FILTER (WHERE outcome = 'auto') AS automatic,
                       count(*) FILTER (WHERE outcome = 'review') AS reviewed,
                       count(*) FILTER (WHERE outcome = 'refuse') AS refused
                  FROM (SELECT proposed_at, outcome FROM change WHERE tenant_id = :t AND id >= :floor
                         ORDER BY id DESC LIMIT :newest) c
                 GROUP BY 1
            ), late AS ({decided_late(":t")}
            ), seen AS (
                SELECT floor(extract(epoch FROM verified_at - :start) / :seconds) AS n,
                       percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY {DELIVERY_SECONDS}) AS seconds
                  FROM ((SELECT released_at, excluded, verified_at FROM propagation
                          WHERE tenant_id = :t AND change_id >= :delivering ORDER BY change_id DESC LIMIT :newest)
                         UNION ALL
                        (SELECT p.released_at, p.excluded, p.verified_at FROM late d
                           JOIN propagation p ON p.tenant_id = :t AND p.change_id = d.id
                          WHERE d.id < :delivering)) p
                 WHERE verified_at >= :start GROUP BY 1
            ), answered AS (
                SELECT floor(extract(epoch FROM decided_at - :start) / :seconds) AS n,
                       percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY {DECISION_SECONDS}) AS seconds
                  FROM late c GROUP BY 1
            )
            SELECT s.start, coalesce(m.automatic, 0) AS automatic, coalesce(m.reviewed, 0) AS reviewed,
                   coalesce(m.refused, 0) AS refused, v.seconds[1] AS half_s, v.seconds[2] AS most_s,
                   a.seconds[1], a.seconds[2]
              FROM stretches s LEFT JOIN made m ON m.n = s.n LEFT JOIN seen v ON v.n = s.n
              LEFT JOIN answered a ON a.n = s.n ORDER BY s.n
        """),
        {
            "t": scope_of(session).tenant_id,
            "start": start,
            "width": width,
            "seconds": width.total_seconds(),
            "count": count,
            "floor": id_floor(start),
            "delivering": id_floor(start - DELIVERING),
            "earliest": id_floor(start - DECIDING),
            "since": start,
            "newest": _NEWEST,
        },
    )
    return [TimeBucket(*row) for row in rows]
