"""The health of all clients of an MSP, in one statement. Needs the fleet's scope."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import REFERENCE_ELEMENTS
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.ids import id_floor
from foundation.marks import N_
from foundation.relations import DEAD_LETTERS
from foundation.web.pagination import ListQuery, ListSource, ResultPage, Sort, SortKey, read_page
from governance.labels import LEVELS
from governance.overview.queries import DECIDING, unsent
from governance.propagation.delivery import LATE
from governance.propagation.states import RUNNING
from governance.relations import ONBOARDINGS
from policy.relations import APPROVALS
from tenants.relations import CLIENTS

MANY: Final = 10_000
_NEWEST: Final = 2_000
HOURS: Final = 24
_HOUR: Final = timedelta(hours=1)
_DAY: Final = HOURS * _HOUR


class ClientHealth(msgspec.Struct, frozen=True):
    """Health of a client. `changes` is counted up to MANY; visibility is that of the newest changes of the last 24
    hours. `failing` are active connections whose latest attempt failed; `letters` counts failed jobs, `overdue`
    approvals past their due time. A client that is not live is in onboarding, in which gaps are expected: it is at risk
    or `onboarding`, and never healthy or in need of attention.
    """

    tenant_id: UUID
    slug: str
    name: str
    status: str
    critical: int
    high: int
    medium: int
    low: int
    awaiting: int
    oldest_awaiting: datetime | None
    running: int
    late: int
    oldest_running: datetime | None
    letters: int
    changes: int
    measured: int
    visible: int
    failing: int
    paused: int
    overdue: int
    is_live: bool
    exceptions: int
    worst: str
    """Level of the worst open exception, empty without one."""
    health: str


class ClientHours(msgspec.Struct, frozen=True):
    """Number of changes proposed in each of the last HOURS hours, oldest first; each number is counted up to MANY."""

    name: str
    changes: Sequence[int]


_TABLES: Final = f"""
              {CLIENTS} c
              CROSS JOIN LATERAL (
                SELECT count(*) FILTER (WHERE e.severity >= :critical) AS critical,
                       count(*) FILTER (WHERE e.severity >= :high AND e.severity < :critical) AS high,
                       count(*) FILTER (WHERE e.severity >= :medium AND e.severity < :high) AS medium,
                       count(*) FILTER (WHERE e.severity < :medium) AS low
                  FROM governance_exception e WHERE e.tenant_id = c.tenant_id AND e.state = 'open') x
              CROSS JOIN LATERAL (
                SELECT count(*) AS awaiting, min(w.proposed_at) AS oldest_awaiting
                  FROM change w WHERE w.tenant_id = c.tenant_id AND w.state = 'awaiting_approval') a
              CROSS JOIN LATERAL (
                SELECT count(*) AS overdue FROM {APPROVALS} q
                 WHERE q.tenant_id = c.tenant_id AND q.state = 'pending' AND q.due_at <= :now) o
              CROSS JOIN LATERAL (
                SELECT count(*) AS running,
                       count(*) FILTER (WHERE {LATE}) AS late,
                       min(p.released_at) AS oldest
                  FROM propagation p
                 WHERE p.tenant_id = c.tenant_id AND p.{RUNNING}) r
              CROSS JOIN LATERAL (
                SELECT count(*) AS letters FROM {DEAD_LETTERS} l
                 WHERE l.tenant_id = c.tenant_id AND l.state = 'open') d
              CROSS JOIN LATERAL (
                SELECT count(*) AS changes FROM (SELECT 1 FROM change n
                 WHERE n.tenant_id = c.tenant_id AND n.id >= :floor LIMIT :many) m) h
              CROSS JOIN LATERAL (
                SELECT count(*) AS measured, count(*) FILTER (WHERE j.visible) AS visible
                  FROM (SELECT bool_and(q.state = 'verified') AS visible
                          FROM ((SELECT s.change_id, s.state FROM propagation s
                                  WHERE s.tenant_id = c.tenant_id AND s.change_id >= :earliest
                                    AND s.released_at >= :since
                                  ORDER BY s.change_id DESC LIMIT :newest)
                                 UNION ALL {unsent("c.tenant_id")}) q
                         WHERE q.state <> 'superseded' GROUP BY q.change_id) j) v
              CROSS JOIN LATERAL (
                SELECT count(*) AS failing FROM {CONNECTIONS} o
                 WHERE o.tenant_id = c.tenant_id AND o.state = 'active'
                   AND o.last_failure_at > coalesce(o.last_success_at, '-infinity')) f
              CROSS JOIN LATERAL (
                SELECT count(*) AS paused FROM {CONNECTIONS} o
                 WHERE o.tenant_id = c.tenant_id AND o.state = 'paused') u
              CROSS JOIN LATERAL (
                SELECT EXISTS (SELECT 1 FROM {ONBOARDINGS} w
                                WHERE w.tenant_id = c.tenant_id AND w.live_at IS NULL) AS in_onboarding) z
"""
_AT_RISK: Final = "x.critical + x.high + r.late > 0"
_IS_LIVE: Final = "NOT z.in_onboarding"
_NEEDS_ATTENTION: Final = "x.medium + d.letters + f.failing + a.awaiting + u.paused > 0"
_SHOWN: Final = {
    "": "true",
    "risk": _AT_RISK,
    "attention": f"NOT ({_AT_RISK}) AND {_IS_LIVE} AND {_NEEDS_ATTENTION}",
    "healthy": f"NOT ({_AT_RISK}) AND {_IS_LIVE} AND NOT ({_NEEDS_ATTENTION})",
    "onboarding": f"NOT ({_AT_RISK}) AND NOT ({_IS_LIVE})",
    "exceptions": "x.critical + x.high + x.medium + x.low > 0",
    "late": "r.late > 0",
    "approvals": "a.awaiting > 0",
}
WORST_FIRST: Final = Sort(
    name="-health",
    label=N_("Worst first"),
    reverse_label=N_("Healthiest first"),
    keys=[
        *(
            SortKey(sql, "bigint", descending=True)
            for sql in ("x.critical", "x.high", "r.late", "x.medium", "d.letters", "a.awaiting")
        ),
        SortKey("c.name"),
        SortKey("c.tenant_id", "uuid"),
    ],
)
_ALL: Final = ListQuery(list="fleet", sort=WORST_FIRST, limit=100_000)


async def read_fleet(session: AsyncSession, *, now: datetime) -> Sequence[ClientHealth]:
    """The clients of the fleet, worst client first, then by name."""
    return (await list_fleet(session, _ALL, now)).items


async def list_fleet(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[ClientHealth]:
    """One page of `fleet.lists`."""
    least = dict(LEVELS)
    source = ListSource(
        columns="""c.tenant_id, c.slug, c.name, c.status, x.critical, x.high, x.medium, x.low, a.awaiting,
                   a.oldest_awaiting, r.running, r.late, r.oldest AS oldest_running, d.letters, h.changes,
                   v.measured, v.visible, f.failing, u.paused, o.overdue,
                   NOT z.in_onboarding AS is_live""",
        tables=_TABLES,
        where=f"c.msp_id = :msp AND {_SHOWN[query.values.get('show', '')]}",
        binds={
            "msp": scope_of(session).msp_id,
            "reference": sorted(REFERENCE_ELEMENTS),
            "now": now,
            "floor": id_floor(now - _DAY),
            "earliest": id_floor(now - _DAY - DECIDING),
            "since": now - _DAY,
            "newest": _NEWEST,
            "many": MANY,
            "critical": least["critical"],
            "high": least["high"],
            "medium": least["medium"],
        },
    )
    return (await read_page(session, source, query)).map(_client_health)


async def list_client_names(session: AsyncSession, *, limit: int) -> Sequence[Row[Any]]:
    """List (slug, name), ordered by name."""
    rows = await session.execute(
        text(f"SELECT slug, name FROM {CLIENTS} c WHERE msp_id = :msp ORDER BY name, slug LIMIT :limit"),
        {"msp": scope_of(session).msp_id, "limit": limit},
    )
    return rows.all()


def _client_health(row: Row[Any]) -> ClientHealth:
    return ClientHealth(
        **{name: getattr(row, name) for name in ClientHealth.__struct_fields__[:-3]},
        exceptions=row.critical + row.high + row.medium + row.low,
        worst=next((name for name, _ in LEVELS if getattr(row, name)), ""),
        health=_health(row),
    )


def _health(row: Row[Any]) -> str:
    if row.critical or row.high or row.late:
        return "at risk"
    if not row.is_live:
        return "onboarding"
    return "needs attention" if row.medium or row.letters or row.failing or row.awaiting or row.paused else "healthy"


def hours_until(now: datetime) -> list[datetime]:
    """Start of each of the last HOURS hours, oldest first; the last hour is incomplete."""
    last = now.replace(minute=0, second=0, microsecond=0)
    return [last - _HOUR * back for back in reversed(range(HOURS))]


async def read_hours(session: AsyncSession, *, now: datetime) -> Sequence[ClientHours]:
    """Hourly changes of every client, by name. Ids are ordered by time, so that each hour is a range of the key."""
    bounds = [id_floor(at) for at in (*hours_until(now), now + _HOUR)]
    rows = await session.execute(
        text(f"""
            SELECT c.name, array_agg(x.changes ORDER BY h.low) AS changes
              FROM {CLIENTS} c
              CROSS JOIN unnest(CAST(:lows AS uuid[]), CAST(:highs AS uuid[])) AS h (low, high)
              CROSS JOIN LATERAL (
                SELECT count(*) AS changes FROM (SELECT 1 FROM change n
                 WHERE n.tenant_id = c.tenant_id AND n.id >= h.low AND n.id < h.high LIMIT :many) m) x
             WHERE c.msp_id = :msp GROUP BY c.tenant_id, c.name ORDER BY c.name
        """),
        {"msp": scope_of(session).msp_id, "lows": bounds[:-1], "highs": bounds[1:], "many": MANY},
    )
    return [ClientHours(row.name, row.changes) for row in rows]
