"""SQL of a month's figures. Each statement reads a range of time-ordered keys, at most `MOST_ROWS` rows of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Period
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.ids import id_floor
from foundation.state_machine import in_sql
from governance.changes.states import ChangeState
from governance.monthly_reports.schemas import (
    ChangeCounts,
    DeliveryFigures,
    ExceptionFigures,
    ReviewerFigures,
    TimeFigures,
    share_in_time,
)
from governance.propagation.delivery import DELIVERY_SECONDS, LATE
from policy.relations import APPROVALS
from policy.states import ApprovalState

MOST_ROWS: Final = 500_000
DECIDING: Final = timedelta(days=31)
"""Longest time from the proposal to an answer or release that is still counted."""
_ANSWERED: Final = in_sql([ApprovalState.GRANTED, ApprovalState.USED, ApprovalState.REFUSED])
_ANSWER_SECONDS: Final = "extract(epoch FROM a.decided_at - c.proposed_at - c.decision_excluded)"
_HALF_AND_MOST: Final = "percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY {0})"


def month_binds(session: AsyncSession, period: Period, now: datetime) -> dict[str, object]:
    return {
        "t": scope_of(session).tenant_id, "start": period.start, "end": period.end, "floor": id_floor(period.start),
        "ceiling": id_floor(period.end), "earliest": id_floor(period.start - DECIDING), "now": now, "most": MOST_ROWS,
    }  # fmt: skip


_CHANGES: Final = text(f"""
    SELECT count(*) AS proposed,
           count(*) FILTER (WHERE state = '{ChangeState.RELEASED}' AND outcome <> 'review') AS automatic,
           count(*) FILTER (WHERE state = '{ChangeState.RELEASED}' AND outcome = 'review') AS approved,
           count(*) FILTER (WHERE state = '{ChangeState.DECLINED}') AS declined,
           count(*) FILTER (WHERE state = '{ChangeState.REFUSED}') AS refused,
           count(*) FILTER (WHERE state = '{ChangeState.EXPIRED}') AS expired,
           count(*) FILTER (WHERE state = '{ChangeState.SUPERSEDED}') AS superseded,
           count(*) FILTER (WHERE state = '{ChangeState.AWAITING_APPROVAL}') AS awaiting
      FROM (SELECT state, outcome FROM change
             WHERE tenant_id = :t AND id >= :floor AND id < :ceiling ORDER BY id DESC LIMIT :most) c
""")
_DELIVERIES: Final = text(f"""
    SELECT p.connection_id, p.element, count(*) AS number, count(*) FILTER (WHERE {LATE}) AS late,
           {_HALF_AND_MOST.format(DELIVERY_SECONDS)} FILTER (WHERE p.verified_at IS NOT NULL) AS seconds
      FROM (SELECT tenant_id, connection_id, element, state, breached, slo_due_at, released_at, verified_at, excluded
              FROM propagation
             WHERE tenant_id = :t AND change_id >= :earliest AND change_id < :ceiling
               AND released_at >= :start AND released_at < :end AND state NOT IN ('superseded', 'stale_approval')
             ORDER BY change_id DESC LIMIT :most) p
     GROUP BY GROUPING SETS ((), (p.connection_id, p.element))
""")
_CHANNELS: Final = text(f"""
    SELECT n.id, n.name FROM {CONNECTIONS} n WHERE n.tenant_id = :t AND n.id = ANY (CAST(:ids AS uuid[]))
""")
_TARGETS: Final = text("""
    SELECT element, min(propagation_slo_ms) AS least, max(propagation_slo_ms) AS most FROM element_contract
     WHERE tenant_id = :t GROUP BY element
""")
_ANSWERS: Final = text(f"""
    SELECT a.decided_by, count(*) AS number, count(*) FILTER (WHERE a.state = '{ApprovalState.REFUSED}') AS declined,
           count(*) FILTER (WHERE a.decided_at > a.due_at) AS late,
           {_HALF_AND_MOST.format(_ANSWER_SECONDS)} AS seconds
      FROM (SELECT a.id, a.subject_id, a.state, a.decided_by, a.decided_at, a.due_at FROM {APPROVALS} a
             WHERE a.tenant_id = :t AND a.id >= :earliest AND a.id < :ceiling AND a.state IN ({_ANSWERED})
               AND a.decided_at >= :start AND a.decided_at < :end
             ORDER BY a.id DESC LIMIT :most) a
      JOIN change c ON c.tenant_id = :t AND c.id = a.subject_id AND c.approval_id = a.id
     GROUP BY GROUPING SETS ((), (a.decided_by)) ORDER BY number DESC, a.decided_by
""")
_EXCEPTIONS: Final = text(f"""
    SELECT e.code, count(*) AS opened, count(*) FILTER (WHERE e.closed_at IS NULL) AS open,
           count(*) FILTER (WHERE e.closed_at > e.correction_due_at) AS late,
           {_HALF_AND_MOST.format("extract(epoch FROM e.closed_at - e.opened_at)")}
               FILTER (WHERE e.closed_at IS NOT NULL) AS seconds
      FROM (SELECT code, opened_at, closed_at, correction_due_at FROM governance_exception
             WHERE tenant_id = :t AND id >= :floor AND id < :ceiling ORDER BY id DESC LIMIT :most) e
     GROUP BY e.code ORDER BY opened DESC, e.code
""")


async def count_changes(session: AsyncSession, binds: Mapping[str, object]) -> ChangeCounts:
    row = (await session.execute(_CHANGES, {name: binds[name] for name in ("t", "floor", "ceiling", "most")})).one()
    return ChangeCounts(*row)


async def read_deliveries(
    session: AsyncSession, binds: Mapping[str, object]
) -> tuple[TimeFigures, Sequence[DeliveryFigures]]:
    """Figures of all channels together, and of each element on each channel, the smallest share in time first."""
    rows = (await session.execute(_DELIVERIES, {name: binds[name] for name in binds if name != "floor"})).all()
    ids = sorted({row.connection_id for row in rows if row.connection_id is not None})
    named = await session.execute(_CHANNELS, {"t": binds["t"], "ids": ids})
    names = {row.id: row.name for row in named}
    targets = {row.element: row for row in await session.execute(_TARGETS, {"t": binds["t"]})}
    whole, channels = TimeFigures(), list[DeliveryFigures]()
    for row in rows:
        figures = _times(row, row.number)
        if row.connection_id is None:
            whole = figures
            continue
        target = targets.get(row.element)
        channels.append(
            DeliveryFigures(
                row.connection_id, names.get(row.connection_id, ""), row.element, figures,
                target.least / 1000 if target else None, target.most / 1000 if target else None,
            )
        )  # fmt: skip
    channels.sort(key=lambda one: (one.deliveries.in_time_pct or 0, one.channel, one.element))
    return whole, channels


async def read_answers(
    session: AsyncSession, binds: Mapping[str, object]
) -> tuple[TimeFigures, Sequence[ReviewerFigures]]:
    """Figures of all people together, and of each person, the most answers first; without names."""
    keys = {name: binds[name] for name in ("t", "start", "end", "earliest", "ceiling", "most")}
    whole, reviewers = TimeFigures(), list[ReviewerFigures]()
    for row in await session.execute(_ANSWERS, keys):
        figures = _times(row, row.number)
        if row.decided_by is None:
            whole = figures
        else:
            approved = row.number - row.declined
            reviewers.append(ReviewerFigures(row.decided_by, "", approved, row.declined, figures.half_s))
    return whole, reviewers


async def read_exceptions(session: AsyncSession, binds: Mapping[str, object]) -> Sequence[ExceptionFigures]:
    rows = await session.execute(_EXCEPTIONS, {name: binds[name] for name in ("t", "floor", "ceiling", "most")})
    return [ExceptionFigures(row.code, row.opened, row.open, _times(row, row.opened - row.open)) for row in rows]


def _times(row: Row[Any], number: int) -> TimeFigures:
    half, most = row.seconds or (None, None)
    return TimeFigures(number, row.late, half, most, share_in_time(number, row.late))
