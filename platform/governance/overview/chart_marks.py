"""Marks in the dashboard's charts: targets of contracts, and pauses of connections."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import REFERENCE_ELEMENTS
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from governance.elements.declarations import is_retired
from governance.exception_types import ExceptionType
from governance.exceptions.models import ABOUT_HEALTH

_PAUSES: Final = 5
"""Latest pauses of a connection that are marked."""


class ConnectionPause(msgspec.Struct, frozen=True):
    """`until` is None while the connection is paused."""

    name: str
    since: datetime
    until: datetime | None


class ChartMarks(msgspec.Struct, frozen=True):
    """Targets are the shortest of all contracts, in seconds; None without a contract."""

    publish_s: float | None
    decide_s: float | None
    pauses: Sequence[ConnectionPause]


async def read_chart_marks(session: AsyncSession, *, start: datetime) -> ChartMarks:
    """Read the targets, and the pauses that ended after `start`. Past pauses are read from their exceptions."""
    binds = {"t": scope_of(session).tenant_id, "start": start}
    targets = (
        await session.execute(
            text(f"""
                SELECT min(k.propagation_slo_ms) / 1000.0 AS publish_s, min(k.decision_slo_ms) / 1000.0 AS decide_s
                  FROM element_contract k
                 WHERE k.tenant_id = :t AND k.element <> ALL (:reference) AND NOT {is_retired("k")}
            """),
            {**binds, "reference": sorted(REFERENCE_ELEMENTS)},
        )
    ).one()
    pauses = await session.execute(
        text(f"""
            SELECT n.name, n.paused_at AS since, CAST(NULL AS timestamptz) AS until
              FROM {CONNECTIONS} n WHERE n.tenant_id = :t AND n.state = 'paused' AND n.paused_at IS NOT NULL
             UNION ALL
            SELECT n.name, p.opened_at, p.closed_at
              FROM {CONNECTIONS} n CROSS JOIN LATERAL (
                SELECT e.opened_at, e.closed_at FROM governance_exception e
                 WHERE e.tenant_id = :t AND {ABOUT_HEALTH.format("e.")} AND e.code = :code
                   AND e.subject = CAST(n.id AS varchar)
                 ORDER BY e.opened_at DESC LIMIT :most) p
             WHERE n.tenant_id = :t AND p.closed_at > :start AND (n.state <> 'paused' OR p.closed_at <= n.paused_at)
             ORDER BY name, since
        """),
        {**binds, "code": ExceptionType.CONNECTION_PAUSED, "most": _PAUSES},
    )
    return ChartMarks(
        publish_s=None if targets.publish_s is None else float(targets.publish_s),
        decide_s=None if targets.decide_s is None else float(targets.decide_s),
        pauses=[ConnectionPause(row.name, row.since, row.until) for row in pauses],
    )
