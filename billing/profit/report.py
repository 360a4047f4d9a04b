"""The profit of a month. In a fleet scope."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.line_kinds import LineKind
from billing.periods import parse_month
from billing.profit.margins import Costs, Key, ProfitLine, group_profit, join_costs
from billing.profit.schemas import MonthProfit, ProfitGrouping, ProfitReport
from billing.revenue.lines import count_drafts, first_of, load_invoiced, require_fleet
from billing.states import InvoiceState
from billing.vendor_bills.mapped import MAPPED_LINES
from canonical.money import decimal_amount
from foundation.errors import InvalidInput
from foundation.marks import N_

MONTHS: Final = 12


def read_profit_grouping(by: str) -> ProfitGrouping:
    """Raises InvalidInput."""
    if by not in list(ProfitGrouping):
        raise InvalidInput(N_("Group profit by client, book or product."), field="by")
    return ProfitGrouping.of(by)


async def report_profit(
    session: AsyncSession, month: str, by: ProfitGrouping, *, client_id: UUID | None = None
) -> ProfitReport:
    """Profit of `month`, such as 2026-03, of all clients or one.

    Raises:
        InvalidInput: no such month.
        Forbidden: the scope is not a fleet's.
    """
    period = parse_month(month)
    start, name = first_of(period, MONTHS).start, f"{period.start:%Y-%m}"
    invoiced = await load_invoiced(session, start, period.end)
    vendor = await _load_vendor_costs(session, f"{start:%Y-%m}", name)
    unit_costs = await _load_unit_costs(session, start, period.end)
    lines = join_costs(invoiced, vendor, await _load_wholesale(session, start, period.end), unit_costs)
    if client_id is not None:
        lines = [one for one in lines if one.client_id == client_id]
    own = [one for one in lines if one.month == name]
    return ProfitReport(
        month=name, by=by, rows=group_profit(own, lambda one: _key(one, by)), totals=group_profit(own, lambda _: ""),
        months=_months(lines), drafts=await count_drafts(session, period),
        unmapped=await session.scalar(_UNMAPPED, {"msp": require_fleet(session), "month": name}) or 0,
    )  # fmt: skip


def _key(line: ProfitLine, by: ProfitGrouping) -> str:
    match by:
        case ProfitGrouping.CLIENT:
            return str(line.client_id)
        case ProfitGrouping.BOOK:
            return str(line.book_id or "")
        case _:
            return line.product


def _months(lines: Iterable[ProfitLine]) -> list[MonthProfit]:
    """Profit by month and currency, in order."""
    rows = [
        MonthProfit(month=row.key, currency=row.currency, revenue=row.revenue, cost=row.cost, margin=row.margin)
        for row in group_profit(lines, lambda one: one.month)
    ]
    return sorted(rows, key=lambda one: (one.month, one.currency))


async def _load_vendor_costs(session: AsyncSession, first: str, last: str) -> Costs:
    rows = await session.execute(_VENDOR, {"msp": require_fleet(session), "first": first, "last": last})
    found: dict[Key, dict[str, Decimal]] = defaultdict(dict)
    for row in rows:
        found[row.month, row.client_id, row.product][row.currency] = row.amount
    return found


async def _load_wholesale(session: AsyncSession, start: datetime, end: datetime) -> Costs:
    rows = await session.execute(_WHOLESALE, {"msp": require_fleet(session), "start": start, "end": end})
    found: dict[Key, dict[str, Decimal]] = defaultdict(dict)
    for row in rows:
        amount = decimal_amount(row.amount_minor, row.currency)
        found[row.month, row.client_id, row.product][row.currency] = amount
    return found


async def _load_unit_costs(session: AsyncSession, start: datetime, end: datetime) -> Costs:
    rows = await session.execute(_UNIT_COSTS, {"msp": require_fleet(session), "start": start, "end": end})
    found: dict[Key, dict[str, Decimal]] = defaultdict(dict)
    for row in rows:
        found[row.month, row.client_id, row.product][row.currency] = row.amount
    return found


# The cost of an item of a plan, such as `basic:seats`, counts for the plan, as its revenue does.
_VENDOR: Final = text(f"""
    SELECT m.month, m.client_id, split_part(m.meter, ':', 1) AS product, m.currency, sum(m.amount) AS amount
      FROM {MAPPED_LINES} m
     WHERE m.tenant_id = :msp AND m.month >= :first AND m.month <= :last AND m.mapping = 'mapped'
     GROUP BY m.month, m.client_id, 3, m.currency
""")
# The cost of a line's month: the client's own book's before that of the common one, and the last set for a month.
_UNIT_COSTS: Final = text(f"""
    SELECT to_char(i.period_start AT TIME ZONE 'UTC', 'YYYY-MM') AS month, i.client_id, l.meter AS product, c.currency,
           round(sum(l.quantity * c.unit_cost), 8) AS amount
      FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
     CROSS JOIN LATERAL (
        SELECT u.unit_cost, b.currency
          FROM unit_cost u JOIN price_book b ON b.tenant_id = u.tenant_id AND b.id = u.book_id
         WHERE u.tenant_id = :msp AND u.meter = l.meter AND (b.client_id IS NULL OR b.client_id = i.client_id)
           AND u.month <= to_char(l.service_start AT TIME ZONE 'UTC', 'YYYY-MM')
         ORDER BY b.client_id IS NULL, u.month DESC, u.set_at DESC, u.id DESC LIMIT 1) c
     WHERE i.msp_id = :msp AND i.side = 'retail' AND i.state <> '{InvoiceState.VOID}' AND l.kind = '{LineKind.USAGE}'
       AND i.period_start >= :start AND i.period_start < :end
     GROUP BY 1, i.client_id, l.meter, c.currency
""")
_UNMAPPED: Final = text(f"""
    SELECT count(*) FROM {MAPPED_LINES} m WHERE m.tenant_id = :msp AND m.month = :month AND m.mapping = 'unmapped'
""")
# The clients' shares; the MSP's total has the same lines again.
_WHOLESALE: Final = text(f"""
    SELECT to_char(i.period_start AT TIME ZONE 'UTC', 'YYYY-MM') AS month, i.client_id,
           coalesce(nullif(l.meter, ''), l.product) AS product, i.currency, sum(l.amount_minor)::bigint AS amount_minor
      FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
     WHERE i.msp_id = :msp AND i.tenant_id <> i.msp_id AND i.side = 'wholesale' AND i.state <> '{InvoiceState.VOID}'
       AND i.period_start >= :start AND i.period_start < :end
     GROUP BY 1, i.client_id, 3, i.currency
""")
