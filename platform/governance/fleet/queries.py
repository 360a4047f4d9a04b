"""The health of the clients of an MSP. Needs the fleet's scope."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import REFERENCE_ELEMENTS
from connectors.expiry import EARLIEST
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.ids import id_floor
from foundation.marks import N_
from foundation.relations import DEAD_LETTERS
from foundation.web.pagination import ListQuery, ListSource, ResultPage, Sort, SortKey, read_page
from governance.labels import LEVELS
from governance.overview.counted import MOST_AN_HOUR, count_day, day_binds
from governance.overview.queries import DECIDING, released, unsent
from governance.propagation.delivery import LATE
from governance.propagation.states import RUNNING
from governance.relations import ONBOARDINGS
from policy.relations import APPROVALS
from tenants.relations import CLIENTS

MANY: Final = MOST_AN_HOUR
_NEWEST: Final = 2_000
_DAY: Final = timedelta(hours=24)


class ClientHealth(msgspec.Struct, frozen=True):
    """Health of a client. `changes` is counted up to MANY; visibility is that of the newest changes of the last 24
    hours. `failing` are active connections whose latest attempt failed; `letters` counts failed jobs, `overdue`
    approvals past their due time, `expiring` connections whose credentials expire within 30 days. A client that is not
    live is in onboarding, in which gaps are expected: it is at risk or `onboarding`, and never healthy or in need of
    attention.
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
    expiring: int
    is_live: bool
    exceptions: int
    worst: str
    """Level of the worst open exception, empty without one."""
    health: str


class FleetFigures(msgspec.Struct, frozen=True):
    """Sums over all clients. `clients` are the numbers of clients by the list's filter `show`; all of them under ""."""

    clients: Mapping[str, int]
    exceptions: int
    critical: int
    high: int
    late: int
    running: int
    awaiting: int
    overdue: int


_OF_THE_DAY: Final = ("changes", "measured", "visible")


def _of_clients(table: str, row: str, columns: str, where: str) -> str:
    """As SQL: `columns` of the rows of all the MSP's clients, by client. A join, so that the planner may look the rows
    up client by client where another MSP has most of them.
    """
    return f"""LEFT JOIN (SELECT {row}.tenant_id, {columns} FROM {CLIENTS} k JOIN {table} {row} USING (tenant_id)
                           WHERE k.msp_id = :msp AND {where} GROUP BY {row}.tenant_id)"""


_HEALTH: Final = f"""(
    SELECT c.tenant_id, c.slug, c.name, c.status, coalesce(x.critical, 0) AS critical, coalesce(x.high, 0) AS high,
           coalesce(x.medium, 0) AS medium, coalesce(x.low, 0) AS low, coalesce(a.awaiting, 0) AS awaiting,
           a.oldest_awaiting, coalesce(o.overdue, 0) AS overdue, coalesce(r.running, 0) AS running,
           coalesce(r.late, 0) AS late, r.oldest_running, coalesce(d.letters, 0) AS letters,
           coalesce(n.failing, 0) AS failing, coalesce(n.paused, 0) AS paused, coalesce(n.expiring, 0) AS expiring,
           z.tenant_id IS NULL AS is_live
      FROM {CLIENTS} c
      {
    _of_clients(
        "governance_exception",
        "e",
        '''count(*) FILTER (WHERE e.severity >= :critical) AS critical,
           count(*) FILTER (WHERE e.severity >= :high AND e.severity < :critical) AS high,
           count(*) FILTER (WHERE e.severity >= :medium AND e.severity < :high) AS medium,
           count(*) FILTER (WHERE e.severity < :medium) AS low''',
        "e.state = 'open'",
    )
} x USING (tenant_id)
      {
    _of_clients(
        "change", "w", "count(*) AS awaiting, min(w.proposed_at) AS oldest_awaiting", "w.state = 'awaiting_approval'"
    )
} a USING (tenant_id)
      {_of_clients(APPROVALS, "q", "count(*) AS overdue", "q.state = 'pending' AND q.due_at <= :now")} o
          USING (tenant_id)
      {
    _of_clients(
        "propagation",
        "p",
        f'''count(*) AS running, count(*) FILTER (WHERE {LATE}) AS late,
           min(p.released_at) AS oldest_running''',
        f"p.{RUNNING}",
    )
} r USING (tenant_id)
      {_of_clients(DEAD_LETTERS, "l", "count(*) AS letters", "l.state = 'open'")} d USING (tenant_id)
      {
    _of_clients(
        CONNECTIONS,
        "i",
        '''count(*) FILTER (WHERE i.state = 'paused') AS paused,
           count(*) FILTER (WHERE i.state = 'active' AND i.last_failure_at > coalesce(i.last_success_at, '-infinity'))
               AS failing,
           count(*) FILTER (WHERE i.credentials_expire_on <= :soon) AS expiring''',
        "i.state IN ('active', 'paused')",
    )
} n USING (tenant_id)
      LEFT JOIN {ONBOARDINGS} z ON z.tenant_id = c.tenant_id AND z.live_at IS NULL
     WHERE c.msp_id = :msp)"""
"""As SQL, behind FROM: the open work of each client. Grouped over all clients at once: its cost is that of the open
work, not a look-up of each kind for each client. Binds: `_binds`."""
_DAY_FIGURES: Final = f"""
    SELECT c.tenant_id, h.changes, v.measured, v.visible
      FROM unnest(CAST(:ids AS uuid[])) c (tenant_id)
      CROSS JOIN LATERAL (SELECT {count_day("c.tenant_id")} AS changes) h
      CROSS JOIN LATERAL (
        SELECT count(*) AS measured, count(*) FILTER (WHERE j.visible) AS visible
          FROM (SELECT bool_and(q.state = 'verified') AS visible
                  FROM (SELECT s.change_id, s.state FROM ({released("c.tenant_id")}) s
                         UNION ALL {unsent("c.tenant_id")}) q
                 WHERE q.state <> 'superseded' GROUP BY q.change_id) j) v
"""
_AT_RISK: Final = "f.critical + f.high + f.late > 0"
_NEEDS_ATTENTION: Final = "f.medium + f.letters + f.failing + f.awaiting + f.paused > 0"
_SHOWN: Final = {
    "": "true",
    "risk": _AT_RISK,
    "attention": f"NOT ({_AT_RISK}) AND f.is_live AND {_NEEDS_ATTENTION}",
    "healthy": f"NOT ({_AT_RISK}) AND f.is_live AND NOT ({_NEEDS_ATTENTION})",
    "onboarding": f"NOT ({_AT_RISK}) AND NOT f.is_live",
    "exceptions": "f.critical + f.high + f.medium + f.low > 0",
    "late": "f.late > 0",
    "approvals": "f.awaiting > 0",
}
_SUMS: Final = ", ".join([
    *(f"sum(f.{name}) OVER everyone AS sum_{name}"
      for name in ("critical", "high", "late", "running", "awaiting", "overdue")),
    "sum(f.critical + f.high + f.medium + f.low) OVER everyone AS sum_exceptions",
    *(f"count(*) FILTER (WHERE {sql}) OVER everyone AS shown_{name}" for name, sql in _SHOWN.items()),
])  # fmt: skip
WORST_FIRST: Final = Sort(
    name="-health",
    label=N_("Worst first"),
    reverse_label=N_("Healthiest first"),
    keys=[
        *(
            SortKey(f"f.{name}", "bigint", descending=True)
            for name in ("critical", "high", "late", "medium", "letters", "awaiting")
        ),
        SortKey("f.name"),
        SortKey("f.tenant_id", "uuid"),
    ],
)


async def read_fleet_page(
    session: AsyncSession, query: ListQuery, now: datetime
) -> tuple[FleetFigures, ResultPage[ClientHealth]]:
    """The sums over all clients of the fleet, and one page of `fleet.lists`, in one reading of the open work."""
    page = await _list(session, query, now, f"(SELECT f.*, {_SUMS} FROM {_HEALTH} f WINDOW everyone AS ()) f")
    figures = _figures(page.items[0]) if page.items else await read_fleet_figures(session, now=now)
    return figures, await _with_day(session, page, now)


async def read_fleet_figures(session: AsyncSession, *, now: datetime) -> FleetFigures:
    """The sums over all clients of the fleet."""
    sums = _SUMS.replace("OVER everyone", "")
    return _figures((await session.execute(text(f"SELECT {sums} FROM {_HEALTH} f"), _binds(session, now))).one())


def _figures(sums: Row[Any]) -> FleetFigures:
    return FleetFigures(
        clients={name: getattr(sums, f"shown_{name}") for name in _SHOWN},
        **{name: int(getattr(sums, f"sum_{name}") or 0) for name in FleetFigures.__struct_fields__[1:]},
    )


async def list_fleet(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[ClientHealth]:
    """One page of `fleet.lists`. Changes and visibility of the last 24 hours are read for its clients only."""
    return await _with_day(session, await _list(session, query, now, f"{_HEALTH} f"), now)


async def _list(session: AsyncSession, query: ListQuery, now: datetime, tables: str) -> ResultPage[Row[Any]]:
    search = query.values.get("search", "")
    where = [_SHOWN[query.values.get("show", "")], *(["strpos(lower(f.name), lower(:search)) > 0"] if search else [])]
    source = ListSource(
        columns="f.*",
        tables=tables,
        where=" AND ".join(where),
        binds={**_binds(session, now), **({"search": search} if search else {})},
    )
    return await read_page(session, source, query)


async def _with_day(session: AsyncSession, page: ResultPage[Row[Any]], now: datetime) -> ResultPage[ClientHealth]:
    rows = await session.execute(
        text(_DAY_FIGURES),
        {
            "ids": [row.tenant_id for row in page.items],
            "reference": sorted(REFERENCE_ELEMENTS),
            **day_binds(now),
            "earliest": id_floor(now - _DAY - DECIDING),
            "since": now - _DAY,
            "newest": _NEWEST,
            "many": MANY,
        },
    )
    days = {row.tenant_id: row for row in rows}
    return page.map(lambda row: _client_health(row, days[row.tenant_id]))


def _binds(session: AsyncSession, now: datetime) -> dict[str, object]:
    least = dict(LEVELS)
    return {
        "msp": scope_of(session).msp_id,
        "now": now,
        "soon": now.date() + EARLIEST,
        "critical": least["critical"],
        "high": least["high"],
        "medium": least["medium"],
    }


async def list_client_names(session: AsyncSession, *, limit: int) -> Sequence[Row[Any]]:
    """List (slug, name), ordered by name."""
    rows = await session.execute(
        text(f"SELECT slug, name FROM {CLIENTS} c WHERE msp_id = :msp ORDER BY name, slug LIMIT :limit"),
        {"msp": scope_of(session).msp_id, "limit": limit},
    )
    return rows.all()


def _client_health(row: Row[Any], day: Row[Any]) -> ClientHealth:
    open_now = (name for name in ClientHealth.__struct_fields__[:-3] if name not in _OF_THE_DAY)
    return ClientHealth(
        **{name: getattr(row, name) for name in open_now},
        **{name: getattr(day, name) for name in _OF_THE_DAY},
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
