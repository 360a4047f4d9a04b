"""Amounts invoiced to clients, by the month of the invoice: lines summed up, and credit notes. In a fleet scope.

Drafts count, and are marked; voided invoices do not. Amounts are exact, in major units, before tax.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.line_kinds import SUBSCRIBED, LineKind
from billing.periods import Period, month_before
from billing.price_books.pricing import PriceKind
from billing.states import OPEN, InvoiceState
from canonical.money import decimal_amount
from foundation.database.engine import scope_of
from foundation.errors import Forbidden
from foundation.marks import N_
from foundation.state_machine import in_sql
from tenants.relations import CLIENTS

RECURRING: Final = frozenset({
    LineKind.SUBSCRIPTION, LineKind.PRORATION_CHARGE, LineKind.PRORATION_CREDIT, LineKind.MINIMUM, LineKind.COMMITMENT,
})  # fmt: skip


class InvoicedAmount(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the amount invoiced to a client in `month`. `product`: a meter, or the product of a fee; empty for a
    credit note that names no line. `book_id`: the price book of usage. `is_recurring`: a fee of each month, or its
    part; then `first_at` and `last_at` are its service.
    """

    month: str
    client_id: UUID
    product: str
    label: str
    kind: LineKind
    is_recurring: bool
    book_id: UUID | None
    currency: str
    amount: Decimal
    first_at: datetime | None
    last_at: datetime | None
    is_credit: bool


def first_of(month: Period, months: int) -> Period:
    """The first of so many months that end with `month`."""
    for _ in range(months - 1):
        month = month_before(month.start)
    return month


def require_fleet(session: AsyncSession) -> UUID:
    """The MSP of a fleet scope. Raises Forbidden."""
    scope = scope_of(session)
    if not scope.fleet:
        raise Forbidden(N_("Profit and revenue are visible to the MSP's own members only."))
    return scope.msp_id


async def load_invoiced(session: AsyncSession, start: datetime, end: datetime) -> Sequence[InvoicedAmount]:
    """Load amounts of invoices whose period begins from `start` on and before `end`. Raises Forbidden."""
    binds = {"msp": require_fleet(session), "start": start, "end": end}
    lines = [_amount(row, is_credit=False) for row in await session.execute(_LINES, binds)]
    return [*lines, *(_amount(row, is_credit=True) for row in await session.execute(_CREDITS, binds))]


async def count_drafts(session: AsyncSession, period: Period) -> int:
    """Invoices of a month that are not finalised."""
    binds = {"msp": require_fleet(session), "start": period.start}
    return await session.scalar(_DRAFTS, binds) or 0


def _amount(row: Row[Any], *, is_credit: bool) -> InvoicedAmount:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented accessor
    minor, kind = values.pop("amount_minor"), LineKind(values.pop("kind"))
    is_flat = values.pop("is_flat")
    return InvoicedAmount(
        **values, kind=kind, amount=decimal_amount(minor, values["currency"]), is_credit=is_credit,
        is_recurring=kind in RECURRING or (kind is LineKind.USAGE and is_flat),
    )  # fmt: skip


_MONTH: Final = "to_char(i.period_start AT TIME ZONE 'UTC', 'YYYY-MM')"
_PRODUCT: Final = "coalesce(nullif(l.meter, ''), l.product, '')"
_PARTS: Final = f"""{_PRODUCT} AS product, coalesce(max(l.description), '') AS label,
           coalesce(l.kind, '{LineKind.USAGE}') AS kind,
           coalesce(l.terms ->> 'kind' = '{PriceKind.FLAT}', false) AS is_flat, p.book_id, i.currency"""
# By the clocks of the client, written as if they were UTC's, because months are named so.
_LOCAL: Final = "(l.{at} AT TIME ZONE coalesce(nullif(t.time_zone, ''), 'UTC')) AT TIME ZONE 'UTC'"
_SERVICE: Final = f"""CASE WHEN l.kind IN ({in_sql(SUBSCRIBED)}) THEN {_LOCAL.format(at="first_at")}
                WHEN l.kind <> '{LineKind.USAGE}' THEN l.first_at END AS first_at,
           CASE WHEN l.kind IN ({in_sql(SUBSCRIBED)}) THEN {_LOCAL.format(at="last_at")}
                WHEN l.kind <> '{LineKind.USAGE}' THEN l.last_at END AS last_at"""
_LINES: Final = text(f"""
    SELECT {_MONTH} AS month, i.client_id, {_PARTS}, sum(l.amount_minor)::bigint AS amount_minor, {_SERVICE}
      FROM invoice i
      JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
      LEFT JOIN price p ON p.tenant_id = i.msp_id AND p.id = l.price_id
      LEFT JOIN {CLIENTS} t ON t.tenant_id = i.client_id
     WHERE i.msp_id = :msp AND i.side = 'retail' AND i.state <> '{InvoiceState.VOID}'
       AND i.period_start >= :start AND i.period_start < :end
     GROUP BY 1, 2, 3, 5, 6, 7, 8, 10, 11
""")
# A credit note names its lines with their amounts, or none.
_CREDITS: Final = text(f"""
    SELECT {_MONTH} AS month, i.client_id, {_PARTS},
           -sum(coalesce(CAST(e.value AS bigint), c.net_minor))::bigint AS amount_minor, {_SERVICE}
      FROM credit_note c
      JOIN invoice i ON i.tenant_id = c.tenant_id AND i.id = c.invoice_id
      LEFT JOIN LATERAL jsonb_each_text(c.lines) e ON true
      LEFT JOIN invoice_line l ON l.tenant_id = c.tenant_id AND l.id = CAST(e.key AS uuid)
      LEFT JOIN price p ON p.tenant_id = i.msp_id AND p.id = l.price_id
      LEFT JOIN {CLIENTS} t ON t.tenant_id = i.client_id
     WHERE c.msp_id = :msp AND c.side = 'retail' AND i.state <> '{InvoiceState.VOID}'
       AND i.period_start >= :start AND i.period_start < :end
     GROUP BY 1, 2, 3, 5, 6, 7, 8, 10, 11
""")
_DRAFTS: Final = text(f"""
    SELECT count(*) FROM invoice i
     WHERE i.msp_id = :msp AND i.side = 'retail' AND i.period_start = :start AND i.state IN ({in_sql(OPEN)})
""")
