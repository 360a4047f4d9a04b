"""Discounts to take back: credits for time on fixed invoices give back what was paid, and not the price before the
coupon.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.fees import ChargedLine, FeeContext
from billing.line_kinds import LineKind
from billing.pricing.rounding import Rounding, round_to_integer
from billing.states import BILLED
from foundation.state_machine import in_sql

_INSTANT: Final = timedelta(microseconds=1)
_CHARGES: Final = (LineKind.SUBSCRIPTION, LineKind.PRORATION_CHARGE)
_SUBSCRIPTION: Final = "subscription_id"


async def earlier_discounts(
    session: AsyncSession, context: FeeContext, lines: Sequence[ChargedLine]
) -> Mapping[int, int]:
    """By the place of each credit whose charge is on a fixed invoice: the part of it that a coupon had discounted
    there, in minor units, or 0.
    """
    credits_ = {
        place: line for place, line in enumerate(lines)
        if line.kind is LineKind.PRORATION_CREDIT and line.service_from and line.cause.get(_SUBSCRIPTION)
    }  # fmt: skip
    if not credits_:
        return {}
    keys = {
        "tenant": context.client_id, "currency": context.currency,
        "since": min(line.service_from for line in credits_.values() if line.service_from),
        "subscriptions": sorted({line.cause[_SUBSCRIPTION] for line in credits_.values()}),
    }  # fmt: skip
    invoices: dict[UUID, list[ChargedLine]] = {}
    for row in await session.execute(_FIXED, keys):
        invoices.setdefault(row.invoice_id, []).append(
            ChargedLine(
                row.id, LineKind(row.kind), row.product, row.amount_minor, row.first_at,
                row.last_at and row.last_at + _INSTANT, row.cause,
            )
        )  # fmt: skip
    found: dict[int, int] = {}
    for place, credit in credits_.items():
        fixed = next((each for each in invoices.values() if any(covers(one, credit) for one in each)), None)
        if fixed is not None:
            part = -credit.amount_minor * discounted_part(fixed, credit.product)
            found[place] = round_to_integer(part, Rounding.HALF_UP)
    return found


def covers(charge: ChargedLine, credit: ChargedLine) -> bool:
    """Whether the credit is for time that the charge is for."""
    start, end, at = charge.service_from, charge.service_until, credit.service_from
    return (
        charge.kind in _CHARGES
        and charge.product == credit.product
        and charge.cause.get(_SUBSCRIPTION) == credit.cause.get(_SUBSCRIPTION)
        and None not in (start, end, at)
        and start <= at < end  # type: ignore[operator]
    )


def discounted_part(invoice: Sequence[ChargedLine], product: str) -> Fraction:
    """The part of an invoice's charges for a product that coupons took off, after the credits within that invoice."""
    own = [line for line in invoice if line.product == product]
    charges = [line for line in own if line.amount_minor > 0 and line.kind is not LineKind.DISCOUNT_BACK]
    within = [
        line for line in own
        if line.kind is LineKind.PRORATION_CREDIT and any(covers(one, line) for one in charges)
    ]  # fmt: skip
    charged = sum(line.amount_minor for line in (*charges, *within))
    off = -sum(line.amount_minor for line in own if line.kind is LineKind.DISCOUNT)
    return min(Fraction(1), Fraction(off, charged)) if charged > 0 else Fraction(0)


_FIXED = text(f"""
    WITH fixed AS (
        SELECT DISTINCT l.invoice_id, i.period_start
          FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
         WHERE i.tenant_id = :tenant AND i.side = 'retail' AND i.state IN ({in_sql(BILLED)}) AND i.currency = :currency
           AND l.kind IN ({in_sql(_CHARGES)}) AND l.last_at >= :since
           AND l.cause ->> '{_SUBSCRIPTION}' = ANY (CAST(:subscriptions AS text[])))
    SELECT l.id, l.invoice_id, l.kind, coalesce(nullif(l.meter, ''), l.product) AS product, l.amount_minor, l.first_at,
           l.last_at, l.cause
      FROM fixed f JOIN invoice_line l ON l.tenant_id = :tenant AND l.invoice_id = f.invoice_id
     ORDER BY f.period_start DESC, l.id
""")
