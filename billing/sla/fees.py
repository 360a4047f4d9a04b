"""The line of a draft that gives back what an approved service credit says."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.fees import ChargedLine, Fee, FeeContext
from billing.line_kinds import LineKind
from billing.periods import Period, month_of
from billing.pricing.discounts import percent_of_sum
from billing.sides import Side
from billing.sla.assess import Breach
from canonical.money import stored_exponent

_INSTANT: Final = timedelta(microseconds=1)
CAUSE: Final = "sla_credit"
_BASE: Final = (LineKind.SUBSCRIPTION, LineKind.PRORATION_CHARGE, LineKind.PRORATION_CREDIT)
"""Kinds of lines that are fees of the month, beside usage at a price per month."""


async def sla_fees(session: AsyncSession, context: FeeContext, lines: Sequence[ChargedLine]) -> Sequence[Fee]:
    """A line for each approved credit of this month or an earlier one that no earlier invoice has: a percentage of the
    fees for time in its own month. It names the breaches, the measured part and the target.
    """
    if context.side is not Side.RETAIL:
        return []
    keys = {
        "tenant": context.client_id, "invoice": context.invoice_id, "start": context.period.start,
        "month": context.period.start.date(), "cause": CAUSE, "currency": context.currency,
        "kinds": [kind.value for kind in _BASE],
    }  # fmt: skip
    fees = []
    for row in (await session.execute(_APPROVED, keys)).all():
        month = _month(context, row)
        base = Fraction(row.base) + sum(_part(line, month) for line in lines if line.kind in _BASE)
        if month == context.period:
            base += row.flat_minor
        amount = percent_of_sum(row.credit_pct, [max(Fraction(0), base)])
        if amount:
            fees.append(_fee(context, row, amount))
    return fees


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


_FLAT: Final = """
    SELECT coalesce(sum(l.amount_minor), 0)::bigint FROM invoice_line l
     WHERE l.tenant_id = :tenant AND l.invoice_id = {invoice} AND l.kind = 'usage' AND l.terms ->> 'kind' = 'flat'
"""
_APPROVED = text(f"""
    SELECT c.id, c.month, c.deliveries, c.late, c.breaches, c.attained_pct, c.target_pct, c.credit_pct,
           ({_FLAT.format(invoice=":invoice")}) AS flat_minor,
           (SELECT coalesce(sum(l.amount_minor * CASE l.kind WHEN 'usage' THEN 1 ELSE
                       extract(epoch FROM least(l.last_at + interval '1 microsecond', m.ends)
                                          - greatest(l.first_at, m.starts))
                       / extract(epoch FROM l.last_at + interval '1 microsecond' - l.first_at) END), 0)
              FROM invoice_line l
              JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
             WHERE l.tenant_id = :tenant AND i.side = 'retail' AND i.state <> 'void' AND i.currency = :currency
               AND i.id <> :invoice AND i.period_start < :start
               AND (l.kind = ANY (CAST(:kinds AS varchar[])) AND l.first_at < m.ends AND l.last_at >= m.starts
                    OR l.kind = 'usage' AND l.terms ->> 'kind' = 'flat' AND i.period_start = m.starts)
           ) AS base
      FROM sla_credit c
      CROSS JOIN LATERAL (SELECT c.month::timestamp AT TIME ZONE 'UTC' AS starts,
                                 (c.month + interval '1 month') AT TIME ZONE 'UTC' AS ends) m
     WHERE c.tenant_id = :tenant AND c.state = 'approved' AND c.month <= :month
       AND NOT EXISTS (SELECT 1 FROM invoice_line l
                         JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
                        WHERE l.tenant_id = :tenant AND l.kind = 'sla_credit' AND l.cause ->> :cause = c.id::text
                          AND i.state <> 'void' AND i.period_start < :start)
     ORDER BY c.month
""")
