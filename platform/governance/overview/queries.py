"""Figures of a client's dashboard.

All windows are ranges of time-ordered keys with a limit, so that a busy client's dashboard costs no more than a quiet
one's: rates and percentiles are those of the newest `NEWEST` propagations, counts stop at `MANY`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import REFERENCE_ELEMENTS
from foundation.database.engine import scope_of
from foundation.ids import id_floor
from governance.lookups import CHANGE_COLUMNS, load_propagations, to_change
from governance.schemas import ShownChange
from governance.states import RUNNING
from governance.wording import LEVELS

NEWEST: Final = 20_000
MANY: Final = 100_000
DAY: Final = timedelta(hours=24)


class Figures(msgspec.Struct, frozen=True):
    """`changes` stops at MANY. `judged` counts released changes, `visible` those seen on every channel they go to."""

    changes: int
    judged: int
    visible: int
    half_s: float | None
    most_s: float | None
    severities: Mapping[str, int]
    awaiting: int

    @property
    def exceptions(self) -> int:
        return sum(self.severities.values())


async def read_figures(session: AsyncSession, *, now: datetime) -> Figures:
    row = (
        await session.execute(
            text("""
                WITH newest AS (
                    SELECT change_id, state, committed_at, verified_at FROM propagation
                     WHERE tenant_id = :t AND change_id >= :floor ORDER BY change_id DESC LIMIT :newest
                ), judged AS (
                    SELECT bool_and(state = 'verified') AS visible FROM newest WHERE state <> 'superseded'
                     GROUP BY change_id
                )
                SELECT (SELECT count(*) FROM (SELECT 1 FROM change WHERE tenant_id = :t AND id >= :floor LIMIT :many) c)
                           AS changes,
                       (SELECT count(*) FROM judged) AS judged,
                       (SELECT count(*) FROM judged WHERE visible) AS visible,
                       (SELECT percentile_cont(ARRAY[0.5, 0.95])
                               WITHIN GROUP (ORDER BY extract(epoch FROM verified_at - committed_at))
                          FROM newest WHERE verified_at IS NOT NULL) AS seconds,
                       (SELECT count(*) FROM change WHERE tenant_id = :t AND state = 'awaiting') AS awaiting
            """),
            {"t": scope_of(session).tenant_id, "floor": id_floor(now - DAY), "newest": NEWEST, "many": MANY},
        )
    ).one()
    half, most = row.seconds or (None, None)
    return Figures(
        changes=row.changes,
        judged=row.judged,
        visible=row.visible,
        half_s=half,
        most_s=most,
        severities=await count_severities(session),
        awaiting=row.awaiting,
    )


async def count_severities(session: AsyncSession) -> dict[str, int]:
    """Open exceptions by level, worst first; every level is named."""
    names = [name for name, _ in LEVELS]
    rows = await session.execute(
        text("""
            SELECT l.name, count(e.id) AS number
              FROM unnest(CAST(:names AS varchar[]), CAST(:least AS integer[]), CAST(:below AS integer[]))
                       AS l (name, least, below)
              LEFT JOIN governance_exception e
                ON e.tenant_id = :t AND e.state = 'open' AND e.severity >= l.least AND e.severity < l.below
             GROUP BY l.name
        """),
        {
            "t": scope_of(session).tenant_id,
            "names": names,
            "least": [least for _, least in LEVELS],
            "below": [101, *(least for _, least in LEVELS[:-1])],
        },
    )
    found = {row.name: row.number for row in rows}
    return {name: found[name] for name in names}


class Clock(msgspec.Struct, frozen=True):
    """One element on one channel. Counts of what is seen are those of the last 24 hours."""

    channel: str
    connection_id: UUID
    element: str
    slo: timedelta
    running: int = 0
    accepted: int = 0
    late: int = 0
    oldest: datetime | None = None
    in_time: int = 0
    breached: int = 0

    @property
    def standing(self) -> str:
        """late: buyers see old values now; breached: they did today; on track otherwise."""
        if self.late:
            return "late"
        return "breached" if self.breached else "on track"


class Overview(msgspec.Struct, frozen=True):
    figures: Figures
    clocks: Sequence[Clock]


async def read_clocks(session: AsyncSession, *, now: datetime) -> list[Clock]:
    """Every distributed element on every active channel, late ones first.

    Clocks that run are all counted: those in time by their index, those breached by their open exception.
    """
    rows = await session.execute(
        text(f"""
            WITH running AS (
                SELECT connection_id, element, committed_at, slo_due_at, state FROM propagation
                 WHERE tenant_id = :t AND NOT breached AND {RUNNING}
                 UNION ALL
                SELECT p.connection_id, p.element, p.committed_at, p.slo_due_at, p.state
                  FROM governance_exception e
                  JOIN propagation p ON p.tenant_id = e.tenant_id AND p.change_id = e.change_id
                   AND p.connection_id = e.connection_id
                 WHERE e.tenant_id = :t AND e.state = 'open' AND e.code = 'propagation.late'
                   AND p.breached AND p.{RUNNING}
            ), now_running AS (
                SELECT connection_id, element, count(*) AS running,
                       count(*) FILTER (WHERE state = 'accepted') AS accepted,
                       count(*) FILTER (WHERE slo_due_at <= :now) AS late, min(committed_at) AS oldest
                  FROM running GROUP BY connection_id, element
            ), newest AS (
                SELECT connection_id, element, slo_due_at, verified_at FROM propagation
                 WHERE tenant_id = :t AND change_id >= :floor ORDER BY change_id DESC LIMIT :newest
            ), seen AS (
                SELECT connection_id, element, count(*) FILTER (WHERE verified_at <= slo_due_at) AS in_time,
                       count(*) FILTER (WHERE verified_at > slo_due_at) AS breached
                  FROM newest WHERE verified_at IS NOT NULL GROUP BY connection_id, element
            )
            SELECT n.name AS channel, n.id AS connection_id, k.element, k.propagation_slo_ms,
                   coalesce(r.running, 0) AS running, coalesce(r.accepted, 0) AS accepted,
                   coalesce(r.late, 0) AS late, r.oldest, coalesce(s.in_time, 0) AS in_time,
                   coalesce(s.breached, 0) AS breached
              FROM connection n JOIN element_contract k ON k.tenant_id = n.tenant_id
              LEFT JOIN now_running r ON r.connection_id = n.id AND r.element = k.element
              LEFT JOIN seen s ON s.connection_id = n.id AND s.element = k.element
             WHERE n.tenant_id = :t AND n.role = 'channel' AND k.element <> ALL (:reference)
               AND (n.state = 'active' OR r.running > 0)
             ORDER BY late DESC, breached DESC, n.name, k.element
        """),
        {
            "t": scope_of(session).tenant_id,
            "now": now,
            "floor": id_floor(now - DAY),
            "newest": NEWEST,
            "reference": sorted(REFERENCE_ELEMENTS),
        },
    )
    return [
        Clock(
            row.channel, row.connection_id, row.element, timedelta(milliseconds=row.propagation_slo_ms), row.running,
            row.accepted, row.late, row.oldest, row.in_time, row.breached,
        )
        for row in rows
    ]  # fmt: skip


async def read_latest(session: AsyncSession, *, limit: int = 12) -> list[ShownChange]:
    rows = (
        await session.execute(
            text(f"SELECT {CHANGE_COLUMNS} FROM change c WHERE c.tenant_id = :t ORDER BY c.id DESC LIMIT :limit"),
            {"t": scope_of(session).tenant_id, "limit": limit},
        )
    ).all()
    channels = await load_propagations(session, [row.id for row in rows])
    return [to_change(row, channels[row.id]) for row in rows]


class Bucket(msgspec.Struct, frozen=True):
    """One stretch of the charts. Seconds are None when nothing was seen in it."""

    start: datetime
    automatic: int
    reviewed: int
    refused: int
    half_s: float | None
    most_s: float | None


async def read_buckets(session: AsyncSession, *, start: datetime, width: timedelta, count: int) -> Sequence[Bucket]:
    """`count` stretches of `width` from `start`, oldest first."""
    rows = await session.execute(
        text("""
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
            ), seen AS (
                SELECT floor(extract(epoch FROM verified_at - :start) / :seconds) AS n,
                       percentile_cont(ARRAY[0.5, 0.95])
                           WITHIN GROUP (ORDER BY extract(epoch FROM verified_at - committed_at)) AS seconds
                  FROM (SELECT committed_at, verified_at FROM propagation WHERE tenant_id = :t AND change_id >= :floor
                         ORDER BY change_id DESC LIMIT :newest) p
                 WHERE verified_at IS NOT NULL GROUP BY 1
            )
            SELECT s.start, coalesce(m.automatic, 0) AS automatic, coalesce(m.reviewed, 0) AS reviewed,
                   coalesce(m.refused, 0) AS refused, v.seconds[1] AS half_s, v.seconds[2] AS most_s
              FROM stretches s LEFT JOIN made m ON m.n = s.n LEFT JOIN seen v ON v.n = s.n ORDER BY s.n
        """),
        {
            "t": scope_of(session).tenant_id,
            "start": start,
            "width": width,
            "seconds": width.total_seconds(),
            "count": count,
            "floor": id_floor(start),
            "newest": NEWEST,
        },
    )
    return [Bucket(*row) for row in rows]
