"""The revenue until a month. In a fleet scope."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import month_before, parse_month
from billing.revenue.lines import count_drafts, first_of, load_invoiced, require_fleet
from billing.revenue.movements import deferred_after, list_movements, month_after, month_revenue, sum_basis
from billing.revenue.schemas import OutstandingAmount, RevenueBasis, RevenueReport
from billing.states import UNPAID
from canonical.money import decimal_amount
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.state_machine import in_sql

MONTHS: Final = 12
_LOADED: Final = 36
"""Months of invoices: fees of two years before are still spread."""


def read_basis(basis: str) -> RevenueBasis:
    """Recurring if empty. Raises InvalidInput."""
    if basis and basis not in list(RevenueBasis):
        raise InvalidInput(N_("Choose recurring revenue, or all that was invoiced."), field="of")
    return RevenueBasis.of(basis or RevenueBasis.RECURRING)


async def report_revenue(session: AsyncSession, month: str, basis: str, *, now: datetime) -> RevenueReport:
    """Revenue of the twelve months until `month`; until the last one if empty.

    Raises:
        InvalidInput: names the field.
        Forbidden: the scope is not a fleet's.
    """
    period = parse_month(month) if month else month_before(now)
    name, chosen = f"{period.start:%Y-%m}", read_basis(basis)
    invoiced = await load_invoiced(session, first_of(period, _LOADED).start, period.end)
    recurring = sum_basis(invoiced, RevenueBasis.RECURRING)
    amounts = recurring if chosen is RevenueBasis.RECURRING else sum_basis(invoiced, chosen)
    names = [month_after(name, place - MONTHS + 1) for place in range(MONTHS)]
    currencies = sorted({one.currency for one in invoiced})
    outstanding = await load_outstanding(session, now)
    return RevenueReport(
        month=name, basis=chosen,
        months=[
            month_revenue(invoiced, amounts, recurring, each, currency) for currency in currencies for each in names
        ],
        movements=[one for currency in currencies for one in list_movements(amounts, name, currency)],
        outstanding=total_outstanding(outstanding), outstanding_clients=outstanding,
        deferred=deferred_after(invoiced, name), drafts=await count_drafts(session, period),
    )  # fmt: skip


async def load_outstanding(session: AsyncSession, now: datetime) -> Sequence[OutstandingAmount]:
    """Unpaid amounts by client and currency, those with the most first."""
    rows = await session.execute(_OUTSTANDING, {"msp": require_fleet(session), "now": now})
    found = [_outstanding(dict(row)) for row in rows.mappings()]
    return sorted(found, key=lambda one: (-one.total, str(one.client_id), one.currency))


def _outstanding(row: dict[str, Any]) -> OutstandingAmount:
    client_id, currency = row.pop("client_id"), row.pop("currency")
    amounts = {name: decimal_amount(minor or 0, currency) for name, minor in row.items()}
    return OutstandingAmount(client_id=client_id, currency=currency, **amounts, total=sum(amounts.values(), Decimal(0)))


def total_outstanding(found: Sequence[OutstandingAmount]) -> list[OutstandingAmount]:
    """Sums by currency."""
    totals = []
    for currency in sorted({one.currency for one in found}):
        own = [one for one in found if one.currency == currency]
        sums = {
            name: sum((getattr(one, name) for one in own), Decimal(0))
            for name in OutstandingAmount.__struct_fields__
            if name not in {"client_id", "currency"}
        }
        totals.append(OutstandingAmount(client_id=None, currency=currency, **sums))
    return totals


# Without a due day, an invoice is due on the day of its issue. A credit note reduces the amount not yet due.
_TODAY: Final = "(CAST(:now AS timestamptz) AT TIME ZONE coalesce(x.snapshot ->> 'time_zone', 'UTC'))::date"
_OUTSTANDING: Final = text(f"""
    SELECT client_id, currency, sum(balance) FILTER (WHERE days < 0 OR balance < 0)::bigint AS not_due,
           sum(balance) FILTER (WHERE days BETWEEN 0 AND 30 AND balance > 0)::bigint AS days_0_30,
           sum(balance) FILTER (WHERE days BETWEEN 31 AND 60 AND balance > 0)::bigint AS days_31_60,
           sum(balance) FILTER (WHERE days BETWEEN 61 AND 90 AND balance > 0)::bigint AS days_61_90,
           sum(balance) FILTER (WHERE days > 90 AND balance > 0)::bigint AS days_over_90
      FROM (SELECT i.client_id, i.currency, {_TODAY} - coalesce(x.due_on, x.issued_on) AS days,
                   x.gross_minor - i.paid_minor - i.credited_minor AS balance
              FROM invoice i JOIN issued_invoice x ON x.tenant_id = i.tenant_id AND x.invoice_id = i.id
             WHERE i.msp_id = :msp AND i.side = 'retail' AND i.state IN ({in_sql(UNPAID)})) AS open
     WHERE balance <> 0 GROUP BY client_id, currency
""")
