"""Changes per hour of all clients of an MSP, of the last complete hours.

Each client's duty counts hours that have ended into `change_hours`; a request reads these. The changes of a client
whose duty is behind, such as a suspended one, are counted by the request, so the figures never depend on the duty.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.ids import id_floor
from governance.fleet.queries import MANY
from governance.overview.counted import HOURS_KEPT
from tenants.relations import CLIENTS

HOURS: Final = 24
SETTLED_AFTER: Final = timedelta(minutes=15)
"""Time after the end of an hour when duties count it: a change gets its id some time before its commit."""
SHOWN_AFTER: Final = timedelta(minutes=30)
"""Time after the end of an hour when it is shown: every duty has run by then."""
HOUR: Final = timedelta(hours=1)
_COUNTED: Final = HOURS_KEPT
"""Hours that a duty counts: one more than shown, because the count may be an hour ahead of the page."""


class ClientHours(msgspec.Struct, frozen=True):
    """Number of changes proposed in each of HOURS hours, oldest first; each number is counted up to MANY."""

    name: str
    changes: Sequence[int]


def shown_until(now: datetime) -> datetime:
    """End of the newest hour that is shown at `now`."""
    return _hour(now - SHOWN_AFTER)


def hours_before(until: datetime, number: int = HOURS) -> list[datetime]:
    """Start of each of the hours before `until`, oldest first."""
    return [until - HOUR * back for back in range(number, 0, -1)]


async def read_hours(session: AsyncSession, *, now: datetime) -> Sequence[ClientHours]:
    """Hourly changes of every client of the fleet, by name."""
    until = shown_until(now)
    starts = hours_before(until)
    counted = await session.execute(
        text(f"""
            SELECT c.tenant_id, c.name, h.counted_until, h.counts FROM {CLIENTS} c
              LEFT JOIN change_hours h ON h.tenant_id = c.tenant_id AND h.counted_until >= :until
             WHERE c.msp_id = :msp ORDER BY c.name, c.tenant_id
        """),
        {"msp": scope_of(session).msp_id, "until": until},
    )
    rows = counted.all()
    behind = [row.tenant_id for row in rows if row.counts is None]
    live = await _count_clients(session, behind, starts) if behind else {}
    return [
        ClientHours(row.name, live.get(row.tenant_id, [0] * HOURS) if row.counts is None else _shown(row, until))
        for row in rows
    ]


def _shown(row: Row[Any], until: datetime) -> Sequence[int]:
    """The counts of the hours before `until`, of those before `counted_until`."""
    ahead = round((row.counted_until - until) / HOUR)
    last = _COUNTED - ahead
    return [0] * max(0, HOURS - last) + list(row.counts[max(0, last - HOURS) : max(0, last)])


async def _count_clients(
    session: AsyncSession, ids: Sequence[UUID], starts: Sequence[datetime]
) -> Mapping[UUID, Sequence[int]]:
    rows = await session.execute(
        text("""
            SELECT c.tenant_id, array_agg(x.changes ORDER BY h.low) AS changes
              FROM unnest(CAST(:ids AS uuid[])) c (tenant_id)
              CROSS JOIN unnest(CAST(:lows AS uuid[]), CAST(:highs AS uuid[])) AS h (low, high)
              CROSS JOIN LATERAL (
                SELECT count(*) AS changes FROM (SELECT 1 FROM change n
                 WHERE n.tenant_id = c.tenant_id AND n.id >= h.low AND n.id < h.high LIMIT :many) m) x
             WHERE EXISTS (SELECT 1 FROM change w
                            WHERE w.tenant_id = c.tenant_id AND w.id >= :first AND w.id < :last)
             GROUP BY c.tenant_id
        """),
        {"ids": list(ids), **_ranges(starts)},
    )
    return {row.tenant_id: row.changes for row in rows}


async def count_change_hours(session: AsyncSession, now: datetime) -> None:
    """Duty: count the account's changes in the hours that have settled, once after each hour."""
    scope, until = scope_of(session), _hour(now - SETTLED_AFTER)
    done = await session.scalar(
        text("SELECT counted_until >= :until FROM change_hours WHERE tenant_id = :t"),
        {"t": scope.tenant_id, "until": until},
    )
    if done or scope.tenant_id == scope.msp_id:
        return
    counts = (await _count_clients(session, [scope.tenant_id], hours_before(until, _COUNTED))).get(scope.tenant_id)
    await session.execute(
        text("""
            INSERT INTO change_hours AS h (tenant_id, msp_id, counted_until, counts) VALUES (:t, :msp, :until, :counts)
            ON CONFLICT (tenant_id) DO UPDATE SET counted_until = excluded.counted_until, counts = excluded.counts
             WHERE h.counted_until < excluded.counted_until
        """),
        {"t": scope.tenant_id, "msp": scope.msp_id, "until": until, "counts": counts or [0] * _COUNTED},
    )


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _ranges(starts: Sequence[datetime]) -> Mapping[str, object]:
    """Ids are ordered by time, so that each hour is a range of the key."""
    bounds = [id_floor(at) for at in (*starts, starts[-1] + HOUR)]
    return {"lows": bounds[:-1], "highs": bounds[1:], "first": bounds[0], "last": bounds[-1], "many": MANY}
