"""The health of every client of an MSP, in one statement. Needs the fleet's scope."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.ids import id_floor
from governance.states import RUNNING
from governance.wording import LEVELS

MANY: Final = 10_000
_NEWEST: Final = 2_000
_DAY: Final = timedelta(hours=24)


class ClientHealth(msgspec.Struct, frozen=True):
    """`changes` stops at MANY; what is visible is told of the newest changes of the last 24 hours."""

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
    judged: int
    visible: int
    failing: int

    @property
    def exceptions(self) -> int:
        return self.critical + self.high + self.medium + self.low

    @property
    def worst(self) -> str:
        """The level of the worst open exception, empty when there is none."""
        return next((name for name, _ in LEVELS if getattr(self, name)), "")

    @property
    def standing(self) -> str:
        if self.critical or self.high or self.late:
            return "at risk"
        return "needs a look" if self.medium or self.letters or self.failing or self.awaiting else "healthy"


async def read_fleet(session: AsyncSession, *, now: datetime) -> Sequence[ClientHealth]:
    """Worst first, then by name."""
    least = dict(LEVELS)
    rows = await session.execute(
        text(f"""
            SELECT c.tenant_id, c.slug, c.name, c.status, x.critical, x.high, x.medium, x.low, a.awaiting,
                   a.oldest_awaiting, r.running, r.late + x.late AS late,
                   least(r.oldest, x.oldest_late) AS oldest_running, d.letters, h.changes, v.judged, v.visible,
                   f.failing
              FROM client c
              CROSS JOIN LATERAL (
                SELECT count(*) FILTER (WHERE e.severity >= :critical) AS critical,
                       count(*) FILTER (WHERE e.severity >= :high AND e.severity < :critical) AS high,
                       count(*) FILTER (WHERE e.severity >= :medium AND e.severity < :high) AS medium,
                       count(*) FILTER (WHERE e.severity < :medium) AS low,
                       count(*) FILTER (WHERE e.code = 'propagation.late') AS late,
                       min(e.opened_at) FILTER (WHERE e.code = 'propagation.late') AS oldest_late
                  FROM governance_exception e WHERE e.tenant_id = c.tenant_id AND e.state = 'open') x
              CROSS JOIN LATERAL (
                SELECT count(*) AS awaiting, min(w.proposed_at) AS oldest_awaiting
                  FROM change w WHERE w.tenant_id = c.tenant_id AND w.state = 'awaiting') a
              CROSS JOIN LATERAL (
                SELECT count(*) AS running, count(*) FILTER (WHERE p.slo_due_at <= :now) AS late,
                       min(p.committed_at) AS oldest
                  FROM propagation p
                 WHERE p.tenant_id = c.tenant_id AND NOT p.breached AND p.{RUNNING}) r
              CROSS JOIN LATERAL (
                SELECT count(*) AS letters FROM dead_letter l
                 WHERE l.tenant_id = c.tenant_id AND l.state = 'parked') d
              CROSS JOIN LATERAL (
                SELECT count(*) AS changes FROM (SELECT 1 FROM change n
                 WHERE n.tenant_id = c.tenant_id AND n.id >= :floor LIMIT :many) m) h
              CROSS JOIN LATERAL (
                SELECT count(*) AS judged, count(*) FILTER (WHERE j.visible) AS visible
                  FROM (SELECT bool_and(q.state = 'verified') AS visible
                          FROM (SELECT s.change_id, s.state FROM propagation s
                                 WHERE s.tenant_id = c.tenant_id AND s.change_id >= :floor
                                 ORDER BY s.change_id DESC LIMIT :newest) q
                         WHERE q.state <> 'superseded' GROUP BY q.change_id) j) v
              CROSS JOIN LATERAL (
                SELECT count(*) AS failing FROM connection o
                 WHERE o.tenant_id = c.tenant_id AND o.state = 'active'
                   AND o.last_failure_at > coalesce(o.last_success_at, '-infinity')) f
             WHERE c.msp_id = :msp
             ORDER BY x.critical DESC, x.high DESC, r.late + x.late DESC, x.medium DESC, d.letters DESC,
                      a.awaiting DESC, c.name
        """),
        {
            "msp": scope_of(session).msp_id,
            "now": now,
            "floor": id_floor(now - _DAY),
            "newest": _NEWEST,
            "many": MANY,
            "critical": least["critical"],
            "high": least["high"],
            "medium": least["medium"],
        },
    )
    return [ClientHealth(*row) for row in rows]
