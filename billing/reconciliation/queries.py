"""Check that every accepted event is on exactly one line of each side; otherwise reports the reason and its age."""

from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Period
from billing.rating.attribution import RATED_EVENTS
from billing.schemas import MeterStates, Reconciliation, SideStates
from billing.sides import Side, as_rater
from billing.states import FIXED
from foundation.database.engine import scope_of
from foundation.relations import USAGE_EVENTS
from foundation.state_machine import in_sql

_SIDES = (Side.RETAIL, Side.WHOLESALE)
# Usage and rated usage are stacked and grouped, not joined, for the reason given in `billing.rating.tariffs`.
_RECONCILE = f"""
    WITH validity AS (
        SELECT b.side, b.client_id, b.currency, p.meter, p.valid_from, coalesce(p.valid_to, 'infinity') AS valid_to
          FROM price_book b JOIN price p ON p.tenant_id = b.tenant_id AND p.book_id = b.id
         WHERE b.tenant_id = :msp_id
    ), own_book AS (
        SELECT side, client_id, currency FROM price_book WHERE tenant_id = :msp_id AND client_id IS NOT NULL
    ), closed AS (
        SELECT id FROM invoice u WHERE {{own}} AND state IN ({in_sql(FIXED)})
    ), entry AS (
        SELECT u.tenant_id, u.meter, u.id, u.occurred_at, '' AS side, false AS closed
          FROM {USAGE_EVENTS} u WHERE {{own}} AND u.occurred_at >= :start AND u.occurred_at < :end
        UNION ALL
        SELECT u.tenant_id, u.meter, u.usage_id, u.occurred_at, u.side, u.invoice_id IN (SELECT id FROM closed)
          FROM {RATED_EVENTS} u WHERE {{own}} AND u.occurred_at >= :start AND u.occurred_at < :end
    ), event AS (
        SELECT tenant_id, meter, min(occurred_at) AS occurred_at,
               bool_or(side = 'retail') AS on_retail, bool_or(side = 'retail' AND closed) AS retail_closed,
               bool_or(side = 'wholesale') AS on_wholesale, bool_or(side = 'wholesale' AND closed) AS wholesale_closed
          FROM entry GROUP BY tenant_id, meter, id
    ), priced AS (
        SELECT u.*, NOT on_retail AND {{retail_unpriced}} AS retail_unpriced,
               NOT on_wholesale AND {{wholesale_unpriced}} AS wholesale_unpriced
          FROM event u
    )
    SELECT tenant_id, meter, count(*) AS accepted,
           count(*) FILTER (WHERE on_retail AND NOT on_wholesale) AS retail_only,
           count(*) FILTER (WHERE on_wholesale AND NOT on_retail) AS wholesale_only,
           {{retail_counts}}, {{wholesale_counts}}
      FROM priced GROUP BY tenant_id, meter ORDER BY tenant_id, meter
"""
_UNPRICED = """NOT EXISTS (SELECT 1 FROM validity v WHERE v.side = '{side}' AND v.meter = u.meter
                   AND (v.client_id IS NULL OR v.client_id = u.tenant_id)
                   AND v.valid_from <= u.occurred_at AND v.valid_to > u.occurred_at
                   AND NOT EXISTS (SELECT 1 FROM own_book o WHERE o.side = v.side AND o.client_id = u.tenant_id
                                      AND o.currency <> v.currency))"""
_COUNTS = """
           count(*) FILTER (WHERE on_{side} AND NOT {side}_closed) AS {side}_rated,
           count(*) FILTER (WHERE on_{side} AND {side}_closed) AS {side}_invoiced,
           count(*) FILTER (WHERE NOT on_{side} AND NOT {side}_unpriced) AS {side}_waiting,
           count(*) FILTER (WHERE {side}_unpriced) AS {side}_unattributed,
           min(occurred_at) FILTER (WHERE {side}_unpriced) AS {side}_oldest_unattributed,
           min(occurred_at) FILTER (WHERE NOT on_{side} AND NOT {side}_unpriced) AS {side}_oldest_waiting"""


async def reconcile(session: AsyncSession, *, period: Period) -> Reconciliation:
    """States of the events that occurred in `period`, on whichever invoice, per client and meter.

    In a client's scope for that client (in a job, never for a page); in a fleet scope for all of the MSP's clients.
    """
    scope = scope_of(session)
    statement = _RECONCILE.format(
        own="u.msp_id = :msp_id" if scope.fleet else "u.tenant_id = :tenant_id",
        **{f"{side}_unpriced": _UNPRICED.format(side=side) for side in _SIDES},
        **{f"{side}_counts": _COUNTS.format(side=side) for side in _SIDES},
    )
    keys: dict[str, UUID | object] = {"msp_id": scope.msp_id, "start": period.start, "end": period.end}
    if not scope.fleet:
        keys["tenant_id"] = scope.tenant_id
    async with AsyncExitStack() as rights:
        if not scope.fleet:
            await rights.enter_async_context(as_rater(session))
        rows = (await session.execute(text(statement), keys)).all()
    return Reconciliation([_meter(row) for row in rows])


def _meter(row: Row[Any]) -> MeterStates:
    return MeterStates(
        client_id=row.tenant_id,
        meter=row.meter,
        accepted=row.accepted,
        retail=_side(row, Side.RETAIL),
        wholesale=_side(row, Side.WHOLESALE),
        retail_only=row.retail_only,
        wholesale_only=row.wholesale_only,
    )


def _side(row: Row[Any], side: Side) -> SideStates:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's documented accessor
    return SideStates(
        waiting=values[f"{side}_waiting"],
        rated=values[f"{side}_rated"],
        invoiced=values[f"{side}_invoiced"],
        unattributed=values[f"{side}_unattributed"],
        oldest_unattributed=values[f"{side}_oldest_unattributed"],
        oldest_waiting=values[f"{side}_oldest_waiting"],
    )
