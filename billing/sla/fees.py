"""Lines of a draft for approved service credits."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.fees import ChargedLine, Fee, FeeContext
from billing.line_kinds import LineKind
from billing.periods import Period, local_month, month_of
from billing.price_books.pricing import PriceKind
from billing.pricing.discounts import percent_of_sum
from billing.sides import Side
from billing.sla.assess import Breach
from billing.time_zone import load_time_zone
from canonical.money import stored_exponent
from foundation.state_machine import in_sql

_INSTANT: Final = timedelta(microseconds=1)
CAUSE: Final = "sla_credit"
_CHARGES: Final = (LineKind.SUBSCRIPTION, LineKind.PRORATION_CHARGE)
_BASE: Final = (*_CHARGES, LineKind.PRORATION_CREDIT, LineKind.DISCOUNT_BACK)
"""Kinds of lines that are fees of the month, beside usage at a price per month."""


class _Invoice(msgspec.Struct):
    """Lines of an invoice; `flat` are the ids of those at a price per month."""

    month: datetime
    lines: list[ChargedLine]
    flat: set[UUID]


async def sla_fees(session: AsyncSession, context: FeeContext, lines: Sequence[ChargedLine]) -> Sequence[Fee]:
    """A line for each approved credit of this month or an earlier one that no earlier invoice has: a percentage of the
    charges, after discounts, for time in its own month by the client's clocks. The line lists the breaches, the
    attainment and the target.
    """
    if context.side is not Side.RETAIL:
        return []
    keys = {
        "tenant": context.client_id, "invoice": context.invoice_id, "start": context.period.start,
        "month": context.period.start.date(), "cause": CAUSE, "currency": context.currency,
    }  # fmt: skip
    rows = (await session.execute(_APPROVED, keys)).all()
    if not rows:
        return []
    zone, fees = await load_time_zone(session), []
    flat = set(await session.scalars(_FLAT, keys))
    for row in rows:
        month = _month(context, row)
        time = local_month(month, zone)
        invoices = await _earlier(session, {**keys, "from": time.start, "until": time.end, "first": month.start})
        charged = [*invoices, _Invoice(context.period.start, list(lines), flat)]
        base = sum((_base(one, month.start, time) for one in charged), Fraction(0))
        amount = percent_of_sum(row.credit_pct, [max(Fraction(0), base)])
        if amount:
            fees.append(_fee(context, row, amount))
    return fees


async def _earlier(session: AsyncSession, keys: Mapping[str, Any]) -> Sequence[_Invoice]:
    """Earlier invoices with fees for the time."""
    found: dict[UUID, _Invoice] = {}
    for row in await session.execute(_EARLIER, keys):
        invoice = found.setdefault(row.invoice_id, _Invoice(row.period_start, [], set()))
        until = row.last_at and row.last_at + _INSTANT
        invoice.lines.append(
            ChargedLine(row.id, LineKind(row.kind), row.product, row.amount_minor, row.first_at, until)
        )
        if row.is_flat:
            invoice.flat.add(row.id)
    return list(found.values())


def _base(invoice: _Invoice, month: datetime, time: Period) -> Fraction:
    """The invoice's charges for the time, after discounts."""
    charged, off = dict[str, int](), dict[str, int]()
    for line in invoice.lines:
        if line.kind is LineKind.DISCOUNT:
            off[line.product] = off.get(line.product, 0) - line.amount_minor
        elif line.amount_minor > 0 and line.kind is not LineKind.DISCOUNT_BACK:
            charged[line.product] = charged.get(line.product, 0) + line.amount_minor
    base = Fraction(0)
    for line in invoice.lines:
        is_flat = line.id in invoice.flat and invoice.month == month
        if line.kind not in _BASE and not is_flat:
            continue
        part = Fraction(line.amount_minor) if is_flat else _part(line, time)
        if part > 0 and line.kind is not LineKind.DISCOUNT_BACK:
            part *= 1 - Fraction(min(off.get(line.product, 0), charged[line.product]), charged[line.product])
        base += part
    return base


def _month(context: FeeContext, row: Row[Any]) -> Period:
    return month_of(context.period.start.replace(year=row.month.year, month=row.month.month, day=1))


def _part(line: ChargedLine, month: Period) -> Fraction:
    """The part of a fee that is for time in the month."""
    start, until = line.service_from, line.service_until
    if start is None or until is None or start >= until:
        return Fraction(0)
    inside = min(until, month.end) - max(start, month.start)
    share = Fraction(max(timedelta(0), inside) // _INSTANT, (until - start) // _INSTANT)
    return line.amount_minor * share


def _fee(context: FeeContext, row: Row[Any], amount: int) -> Fee:
    month = _month(context, row)
    breaches = msgspec.convert(row.breaches, list[Breach], strict=False)
    return Fee(
        key=str(row.id), kind=LineKind.SLA_CREDIT, name=f"{month.start:%Y-%m}", product="service-credit",
        service_from=month.start, service_until=month.end, quantity=Decimal(-1),
        unit_price=Decimal(amount) / Decimal(10) ** stored_exponent(context.currency), amount_minor=-amount,
        cause={
            CAUSE: str(row.id), "month": f"{month.start:%Y-%m}", "measured": f"{row.attained_pct.normalize():f} %",
            "target": f"{row.target_pct.normalize():f} %", "credit": f"{row.credit_pct.normalize():f} %",
            "deliveries": str(row.deliveries), "late": str(row.late),
            "breaches": " ".join(f"{one.change_id}/{one.connection_id}" for one in breaches),
        },
    )  # fmt: skip


_APPROVED = text("""
    SELECT c.id, c.month, c.deliveries, c.late, c.breaches, c.attained_pct, c.target_pct, c.credit_pct
      FROM sla_credit c
     WHERE c.tenant_id = :tenant AND c.state = 'approved' AND c.month <= :month
       AND NOT EXISTS (SELECT 1 FROM invoice_line l
                         JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
                        WHERE l.tenant_id = :tenant AND l.kind = 'sla_credit' AND l.cause ->> :cause = c.id::text
                          AND i.state <> 'void' AND i.period_start < :start)
     ORDER BY c.month
""")
_IS_FLAT: Final = f"(l.kind = '{LineKind.USAGE}' AND l.terms ->> 'kind' = '{PriceKind.FLAT}')"
_FLAT = text(f"SELECT l.id FROM invoice_line l WHERE l.tenant_id = :tenant AND l.invoice_id = :invoice AND {_IS_FLAT}")
_EARLIER = text(f"""
    SELECT i.period_start, l.invoice_id, l.id, l.kind, coalesce(nullif(l.meter, ''), l.product) AS product,
           l.amount_minor, l.first_at, l.last_at, coalesce({_IS_FLAT}, false) AS is_flat
      FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
     WHERE i.tenant_id = :tenant AND i.side = 'retail' AND i.state <> 'void' AND i.currency = :currency
       AND i.id <> :invoice AND i.period_start < :start
       AND (i.period_start = :first
            OR EXISTS (SELECT 1 FROM invoice_line e WHERE e.tenant_id = i.tenant_id AND e.invoice_id = i.id
                          AND e.kind IN ({in_sql(_BASE)}) AND e.first_at < :until AND e.last_at >= :from))
     ORDER BY i.period_start, l.id
""")
