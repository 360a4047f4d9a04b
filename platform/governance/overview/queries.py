"""Figures of a client's dashboard.

All windows are ranges of time-ordered keys with a limit, so that a busy client's dashboard costs little more than a
quiet one's: rates and percentiles are those of the newest `NEWEST` propagations, counts stop at `MANY`. A change from
before a window belongs to it only if people decided it within the window, so those are found by their approvals.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import REFERENCE_ELEMENTS
from connectors.expiry import EARLIEST
from connectors.health import IS_FAILING
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.ids import id_floor
from governance.changes.columns import CHANGE_COLUMNS, to_change
from governance.changes.schemas import ChangeView
from governance.elements.declarations import is_retired
from governance.elements.selection import is_contract_of, join_selecting
from governance.labels import LEVELS
from governance.overview.counted import count_day, day_binds
from governance.propagation.delivery import DECISION_SECONDS, DELIVERY_SECONDS, LATE
from governance.propagation.queries import load_propagations
from governance.propagation.states import RUNNING
from governance.records.keys import same_key
from governance.records.routing import takes_element, takes_value
from policy.relations import APPROVALS

NEWEST: Final = 5_000
"""A share of so many is exact to 1.4 points; reading 20,000 was most of the cost of a busy client's dashboard."""
MANY: Final = 100_000
DAY: Final = timedelta(hours=24)
UNSENT: Final = 1_000
DECIDING: Final = timedelta(days=3)
"""Longest time from the proposal to a decision that is still counted in a window."""
_SENT: Final = "p.change_id, p.state, p.released_at, p.excluded, p.verified_at"
_SENT_WHERE: Final = f"{_SENT}, p.connection_id, p.record_key, p.element, p.dimension, p.breached"


class Figures(msgspec.Struct, frozen=True):
    """Dashboard figures. `changes` is counted up to MANY. `measured` counts released changes, `visible` those verified
    on all their channels, paused ones included. `paused`, `failing` and `expiring`, whose credentials expire soon,
    name connections, sources first. `half_s` and `most_s` are delivery times, `decision_half_s` and
    `decision_most_s` are people's decision times.
    """

    changes: int
    measured: int
    visible: int
    half_s: float | None
    most_s: float | None
    decision_half_s: float | None
    decision_most_s: float | None
    severities: Mapping[str, int]
    awaiting: int
    overdue: int
    paused: Sequence[str]
    failing: Sequence[str]
    expiring: Sequence[str]

    @property
    def exceptions(self) -> int:
        return sum(self.severities.values())


def decided_late(tenant: str) -> str:
    """As SQL: changes that an approval since :earliest held, and that were released or refused since :since."""
    return f"""
        SELECT d.id, d.proposed_at, d.decided_at, d.decision_excluded
          FROM (SELECT id, subject_id FROM {APPROVALS} a WHERE a.tenant_id = {tenant} AND a.id >= :earliest
                 ORDER BY a.id DESC LIMIT :newest) a
          JOIN change d ON d.tenant_id = {tenant} AND d.id = a.subject_id AND d.approval_id = a.id
         WHERE d.decided_at >= :since"""


def released(tenant: str, columns: str = _SENT) -> str:
    """As SQL: the newest propagations of changes released since :since, those that waited for an approval included."""
    return f"""
        (SELECT {columns} FROM propagation p
          WHERE p.tenant_id = {tenant} AND p.change_id >= :floor AND p.released_at >= :since
          ORDER BY p.change_id DESC LIMIT :newest)
         UNION ALL
        (SELECT {columns} FROM ({decided_late(tenant)}) d
           JOIN propagation p ON p.tenant_id = {tenant} AND p.change_id = d.id
          WHERE d.id < :floor AND p.released_at >= :since)"""


def unsent(tenant: str) -> str:
    """As SQL, as `unsent`: changes released since :since, still approved, not sent to a paused channel."""
    return f"""
        SELECT u.id, 'unsent' FROM {CONNECTIONS} n JOIN change u ON u.tenant_id = n.tenant_id
         WHERE n.tenant_id = {tenant} AND {takes_value("n", "u")} AND n.state <> 'active'
           AND u.id >= :earliest
           AND coalesce(u.decided_at, u.proposed_at) >= :since AND u.state = 'released'
           AND u.element <> ALL (:reference)
           AND (u.targets IS NULL OR n.id = ANY (u.targets))
           AND NOT EXISTS (SELECT 1 FROM propagation p WHERE p.tenant_id = u.tenant_id AND p.change_id = u.id
                              AND p.connection_id = n.id)
           AND NOT EXISTS (SELECT 1 FROM change w WHERE w.tenant_id = u.tenant_id AND {same_key("w", "u")}
                              AND w.version > u.version AND w.state = 'released')"""


_SEEN: Final = f"""
    SELECT p.connection_id, p.element, coalesce(own.selector, '') AS selector,
           count(*) FILTER (WHERE NOT p.breached) AS in_time, count(*) FILTER (WHERE p.breached) AS breached
      FROM newest p {join_selecting("p")} WHERE p.verified_at IS NOT NULL GROUP BY 1, 2, 3"""
"""As SQL: verified values among the propagations `newest`, by contract and channel."""


async def read_figures(session: AsyncSession, *, now: datetime) -> Figures:
    return (await _read_figures(session, now, columns=_SENT, seen="NULL"))[0]


async def read_overview(session: AsyncSession, *, now: datetime) -> "Overview":
    """The figures and the clocks. The day's deliveries, most of the cost, are read once for both."""
    seen = f"(SELECT coalesce(jsonb_agg(s), '[]') FROM ({_SEEN}) s)"
    figures, found = await _read_figures(session, now, columns=_SENT_WHERE, seen=seen)
    clocks = await _read_clocks(
        session, now,
        """seen AS (SELECT * FROM jsonb_to_recordset(CAST(:seen AS jsonb))
                     AS s (connection_id uuid, element varchar, selector varchar, in_time bigint, breached bigint))""",
        seen=msgspec.json.encode(found).decode(),
    )  # fmt: skip
    return Overview(figures, clocks)


async def _read_figures(session: AsyncSession, now: datetime, *, columns: str, seen: str) -> tuple[Figures, object]:
    row = (
        await session.execute(
            text(f"""
                WITH newest AS ({released(":t", columns)}
                ), measured AS (
                    SELECT bool_and(state = 'verified') AS visible
                      FROM (SELECT change_id, state FROM newest UNION ALL {unsent(":t")}) n
                     WHERE state <> 'superseded' GROUP BY change_id
                ), answered AS ({decided_late(":t")}
                )
                SELECT {count_day(":t")} AS changes,
                       (SELECT count(*) FROM measured) AS measured,
                       (SELECT count(*) FROM measured WHERE visible) AS visible,
                       (SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY {DELIVERY_SECONDS})
                          FROM newest WHERE verified_at IS NOT NULL) AS seconds,
                       (SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY {DECISION_SECONDS})
                          FROM answered) AS decision_seconds,
                       (SELECT count(*) FROM change WHERE tenant_id = :t AND state = 'awaiting_approval') AS awaiting,
                       (SELECT count(*) FROM {APPROVALS} a
                         WHERE tenant_id = :t AND state = 'pending' AND due_at <= :now) AS overdue,
                       ARRAY(SELECT name FROM {CONNECTIONS} n WHERE tenant_id = :t AND state = 'paused'
                              ORDER BY is_source DESC, name) AS paused,
                       ARRAY(SELECT name FROM {CONNECTIONS} n WHERE tenant_id = :t AND state = 'active' AND {IS_FAILING}
                              ORDER BY is_source DESC, name) AS failing,
                       ARRAY(SELECT name FROM {CONNECTIONS} n WHERE tenant_id = :t AND state <> 'deleted'
                                AND credentials_expire_on <= :soon ORDER BY is_source DESC, name) AS expiring,
                       {seen} AS seen
            """),
            {
                "soon": now.date() + EARLIEST,
                "t": scope_of(session).tenant_id,
                "now": now,
                "many": MANY,
                **_day(now),
                **day_binds(now),
                "reference": sorted(REFERENCE_ELEMENTS),
            },
        )
    ).one()
    half, most = row.seconds or (None, None)
    decision_half, decision_most = row.decision_seconds or (None, None)
    figures = Figures(
        changes=row.changes,
        measured=row.measured,
        visible=row.visible,
        half_s=half,
        most_s=most,
        decision_half_s=decision_half,
        decision_most_s=decision_most,
        severities=await count_severities(session),
        awaiting=row.awaiting,
        overdue=row.overdue,
        paused=row.paused,
        failing=row.failing,
        expiring=row.expiring,
    )
    return figures, row.seen


async def count_severities(session: AsyncSession) -> dict[str, int]:
    """Count open exceptions by level, worst first, including levels with none."""
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


def _day(now: datetime) -> dict[str, object]:
    """Binds of `released`, for the last 24 hours."""
    return {
        "floor": id_floor(now - DAY),
        "earliest": id_floor(now - DAY - DECIDING),
        "since": now - DAY,
        "newest": NEWEST,
    }


class Clock(msgspec.Struct, frozen=True):
    """Figures of one contract on one channel. Counts of verified values are those released in the last 24 hours.

    `oldest` is the earliest release that is not visible yet. `unsent` counts approved values not sent to a paused
    channel, up to `UNSENT`.
    """

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
    paused_at: datetime | None = None
    is_paused: bool = False
    unsent: int = 0
    is_failing: bool = False
    selector: str = ""

    @property
    def health(self) -> str:
        """paused; late: buyers see old values now; failing: the channel did not answer lately; breached: late today."""
        if self.is_paused:
            return "paused"
        if self.late:
            return "late"
        if self.is_failing:
            return "failing"
        return "breached" if self.breached else "on track"


class Overview(msgspec.Struct, frozen=True):
    figures: Figures
    clocks: Sequence[Clock]


async def read_clocks(session: AsyncSession, *, now: datetime) -> list[Clock]:
    """Read every contract of a distributed element on every channel, paused channels included; late ones first.

    Running deliveries are counted directly, not by their exceptions, because people may resolve an exception before the
    value is verified.
    """
    return await _read_clocks(session, now, f"newest AS ({released(':t', _SENT_WHERE)}), seen AS ({_SEEN})")


async def _read_clocks(session: AsyncSession, now: datetime, delivered: str, **binds: str) -> list[Clock]:
    """`delivered`: the common table expression `seen`, see `_SEEN`."""
    rows = await session.execute(
        text(f"""
            WITH {delivered}, running AS (
                SELECT p.connection_id, p.element, coalesce(own.selector, '') AS selector, p.released_at, p.state,
                       {LATE} AS late
                  FROM propagation p {join_selecting("p")}
                 WHERE p.tenant_id = :t AND p.{RUNNING}
            ), now_running AS (
                SELECT connection_id, element, selector, count(*) AS running,
                       count(*) FILTER (WHERE state = 'accepted') AS accepted,
                       count(*) FILTER (WHERE late) AS late, min(released_at) AS oldest
                  FROM running GROUP BY connection_id, element, selector
            )
            SELECT n.name AS channel, n.id AS connection_id, k.element, k.selector, k.propagation_slo_ms,
                   coalesce(r.running, 0) AS running, coalesce(r.accepted, 0) AS accepted,
                   coalesce(r.late, 0) AS late, r.oldest, coalesce(s.in_time, 0) AS in_time,
                   coalesce(s.breached, 0) AS breached, n.paused_at, n.state <> 'active' AS is_paused,
                   (SELECT count(*) FROM (
                        SELECT 1 FROM record_value v JOIN change c ON c.tenant_id = v.tenant_id AND c.id = v.change_id
                         WHERE n.state <> 'active' AND v.tenant_id = n.tenant_id AND {is_contract_of("k", "v")}
                           AND c.state = 'released' AND coalesce(c.decided_at, c.proposed_at) >= n.paused_at
                           AND (c.targets IS NULL OR n.id = ANY (c.targets))
                           AND NOT EXISTS (SELECT 1 FROM propagation p WHERE p.tenant_id = v.tenant_id
                                              AND p.change_id = c.id AND p.connection_id = n.id)
                         LIMIT :unsent) u) AS unsent,
                   n.state = 'active' AND {IS_FAILING} AS is_failing
              FROM {CONNECTIONS} n JOIN element_contract k ON k.tenant_id = n.tenant_id
              LEFT JOIN now_running r ON r.connection_id = n.id AND r.element = k.element AND r.selector = k.selector
              LEFT JOIN seen s ON s.connection_id = n.id AND s.element = k.element AND s.selector = k.selector
             WHERE n.tenant_id = :t AND {takes_element("n", "k")} AND k.element <> ALL (:reference)
               AND NOT {is_retired("k")}
             ORDER BY late DESC, (n.state <> 'active') DESC, is_failing DESC, breached DESC, n.name, k.element,
                      k.selector
        """),
        {
            "t": scope_of(session).tenant_id,
            "now": now,
            "reference": sorted(REFERENCE_ELEMENTS),
            "unsent": UNSENT,
            **(binds or _day(now)),
        },
    )
    return [
        Clock(
            row.channel, row.connection_id, row.element, timedelta(milliseconds=row.propagation_slo_ms), row.running,
            row.accepted, row.late, row.oldest, row.in_time, row.breached, row.paused_at, row.is_paused, row.unsent,
            row.is_failing, row.selector,
        )
        for row in rows
    ]  # fmt: skip


async def read_latest(session: AsyncSession, *, now: datetime, limit: int = 12) -> list[ChangeView]:
    rows = (
        await session.execute(
            text(f"SELECT {CHANGE_COLUMNS} FROM change c WHERE c.tenant_id = :t ORDER BY c.id DESC LIMIT :limit"),
            {"t": scope_of(session).tenant_id, "limit": limit},
        )
    ).all()
    channels = await load_propagations(session, [row.id for row in rows], now=now)
    return [to_change(row, channels[row.id]) for row in rows]
