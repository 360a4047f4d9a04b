"""The line of a draft that gives back what an approved service credit says."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.fees import ChargedLine, Fee, FeeContext
from billing.line_kinds import LineKind
from billing.periods import month_of
from billing.pricing.discounts import percent_of_sum
from billing.sides import Side
from billing.sla.assess import Breach
from canonical.money import stored_exponent

CAUSE: Final = "sla_credit"
_BASE: Final = (LineKind.SUBSCRIPTION, LineKind.PRORATION_CHARGE, LineKind.PRORATION_CREDIT)
"""Kinds of lines that are fees of the month, beside usage at a price per month."""


async def sla_fees(session: AsyncSession, context: FeeContext, lines: Sequence[ChargedLine]) -> Sequence[Fee]:
    """A line for each approved credit of this month or an earlier one that no earlier invoice has: a percentage of the
    fees of its own month. It names the breaches, the measured part and the target.
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
        base = row.base
        if row.month == context.period.start.date():  # its fees are not written yet
            base = row.flat_minor + sum(line.amount_minor for line in lines if line.kind in _BASE)
        amount = percent_of_sum(row.credit_pct, [max(0, base)])
        if amount:
            fees.append(_fee(context, row, amount))
    return fees


def _fee(context: FeeContext, row: Row[Any], amount: int) -> Fee:
    month = month_of(context.period.start.replace(year=row.month.year, month=row.month.month, day=1))
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
           (SELECT coalesce(sum(l.amount_minor), 0)::bigint FROM invoice_line l
              JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
             WHERE l.tenant_id = :tenant AND i.side = 'retail' AND i.state <> 'void' AND i.currency = :currency
               AND (i.period_start AT TIME ZONE 'UTC')::date = c.month
               AND (l.kind = ANY (CAST(:kinds AS varchar[])) OR l.kind = 'usage' AND l.terms ->> 'kind' = 'flat')
           ) AS base
      FROM sla_credit c
     WHERE c.tenant_id = :tenant AND c.state = 'approved' AND c.month <= :month
       AND NOT EXISTS (SELECT 1 FROM invoice_line l
                         JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
                        WHERE l.tenant_id = :tenant AND l.kind = 'sla_credit' AND l.cause ->> :cause = c.id::text
                          AND i.state <> 'void' AND i.period_start < :start)
     ORDER BY c.month
""")
