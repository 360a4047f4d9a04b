"""A client's use, reservations and limits of this month: one statement for any number of meters."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.limits.schemas import SPEND, Budgets, BudgetView
from billing.periods import month_of
from billing.rating.tariffs import client_scope, find_draft_currency, invoice_id_of
from billing.sides import Side, as_rater
from billing.usage.queries import forecast
from foundation.relations import USAGE_ROLLUPS

_OVERLAP: Final = timedelta(minutes=5)
"""Use settled within this time before a rating counts on top of it: the rating may not have included it."""


class UsageBudget(msgspec.Struct, frozen=True, kw_only=True):
    """A meter's limits and use; of a meter without limits, all are None. `SPEND` counts minor units."""

    meter: str
    is_on: bool
    included: Decimal | None
    soft_limit: Decimal | None
    hard_limit: Decimal | None
    override_until: datetime | None
    override_limit: Decimal | None
    override_reason: str
    changed_at: datetime | None
    changed_by: str
    used: Decimal
    reserved: Decimal

    def limit_at(self, now: datetime) -> Decimal | None:
        """The hard limit in force at the time."""
        overridden = self.override_until is not None and now < self.override_until
        return self.override_limit if overridden else self.hard_limit


async def load_budgets(
    session: AsyncSession, *, now: datetime, meters: Sequence[str] | None = None
) -> Mapping[str, UsageBudget]:
    """Budgets by meter in the client's scope, of these meters and `SPEND`, or of all that have limits."""
    scope, month = client_scope(session), month_of(now)
    rows = await session.execute(
        _BUDGETS,
        {
            "t": scope.tenant_id, "m": scope.msp_id, "start": month.start, "end": month.end, "now": now,
            "all": meters is None, "meters": sorted({SPEND, *(meters or ())}), "spend": SPEND,
            "invoice": invoice_id_of(scope.tenant_id, Side.RETAIL, month), "overlap": _OVERLAP,
        },
    )  # fmt: skip
    fields = UsageBudget.__struct_fields__
    return {row.meter: UsageBudget(**{name: getattr(row, name) for name in fields}) for row in rows}


async def read_budgets(session: AsyncSession, *, now: datetime) -> Budgets:
    """All limits of the client, that of the month's cost first."""
    found, month = await load_budgets(session, now=now), month_of(now)
    async with as_rater(session):
        currency = await find_draft_currency(session, client_scope(session), Side.RETAIL, month)
    items = [
        BudgetView(
            meter=one.meter, is_on=one.is_on, included=one.included, soft_limit=one.soft_limit,
            hard_limit=one.limit_at(now), used=one.used, reserved=one.reserved,
            forecast=forecast(one.used, month, now), override_until=one.override_until,
            override_reason=one.override_reason, changed_at=one.changed_at, changed_by=one.changed_by,
        )
        for one in sorted(found.values(), key=lambda one: (one.meter != SPEND, one.meter))
        if one.changed_at is not None
    ]  # fmt: skip
    return Budgets(f"{month.start:%Y-%m}", month.end, currency, items)


_BUDGETS: Final = text(f"""
    WITH wanted AS (
        SELECT l.meter FROM usage_limit l WHERE l.tenant_id = :t AND :all
        UNION SELECT w.meter FROM unnest(CAST(:meters AS varchar[])) AS w (meter)),
    held AS (
        SELECT r.quantities, r.amount_minor FROM usage_reservation r
         WHERE r.tenant_id = :t AND r.state = 'reserved' AND r.expires_at > :now),
    unrated AS (
        SELECT coalesce(sum(r.amount_minor), 0) AS minor FROM usage_reservation r
         WHERE r.tenant_id = :t AND r.state = 'settled' AND r.ended_at >= :start
           AND r.ended_at > coalesce((SELECT n.rated_at - CAST(:overlap AS interval) FROM rating_run n
                                       WHERE n.tenant_id = :t), :start))
    SELECT w.meter, coalesce(l.is_on, true) AS is_on, l.included, l.soft_limit, l.hard_limit, l.override_until,
           l.override_limit, coalesce(l.override_reason, '') AS override_reason, l.changed_at,
           coalesce(l.changed_by, '') AS changed_by,
           CASE WHEN w.meter = :spend
                THEN coalesce((SELECT i.total_minor FROM invoice i WHERE i.tenant_id = :t AND i.id = :invoice), 0)
                     + (SELECT minor FROM unrated)
                ELSE coalesce((SELECT CASE WHEN d.aggregation = 'count' THEN sum(u.events) ELSE sum(u.quantity) END
                                 FROM {USAGE_ROLLUPS} u
                                WHERE u.tenant_id = :t AND u.meter = w.meter
                                  AND u.hour >= :start AND u.hour < :end), 0) END AS used,
           CASE WHEN w.meter = :spend THEN coalesce((SELECT sum(h.amount_minor) FROM held h), 0)
                ELSE coalesce((SELECT sum(CAST(h.quantities ->> w.meter AS numeric)) FROM held h), 0) END AS reserved
      FROM wanted w
      LEFT JOIN usage_limit l ON l.tenant_id = :t AND l.meter = w.meter
      LEFT JOIN meter_definition d ON d.tenant_id = :m AND d.code = w.meter
     ORDER BY w.meter
""")
