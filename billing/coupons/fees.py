"""Discounts of a draft: the client's coupons, applied one after the other to its charges."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.coupons.client_coupons import CAUSE, read_uses
from billing.coupons.credited import find_taken_back
from billing.coupons.schemas import CouponUse
from billing.coupons.terms import TERM_NAMES, CouponTerms
from billing.coupons.voided import Voided, load_voided, places_charged_again
from billing.fees import ChargedLine, Fee, FeeContext
from billing.line_kinds import LineKind
from billing.pricing.discounts import Discount, Weight, allocate, apply_coupon
from billing.sides import Side
from canonical.money import stored_exponent

_APART: Final = (LineKind.UNIT_PACK, LineKind.UNITS_DRAWN)


async def discount_fees(session: AsyncSession, context: FeeContext, lines: Sequence[ChargedLine]) -> Sequence[Fee]:
    """A line for each coupon and product that it discounts, with the coupons in the order in which they were given; and
    corrections of credits for time on fixed invoices whose amount a coupon or a credit note reduced already.

    Packs of units are not discounted. Other credits among the lines reduce what can be discounted, so that no coupon
    takes an invoice below 0. An expired coupon still discounts charges repeated for a voided month in which it was
    valid.
    """
    if context.side is not Side.RETAIL:
        return []
    lines = [line for line in lines if line.kind not in _APART]
    earlier = await find_taken_back(session, context, lines)
    fees = [_taken_back(context, lines[place], amount) for place, amount in earlier.items() if amount]
    first = context.period.start.date()
    rows = (
        await session.execute(_COUPONS, {"tenant": context.client_id, "first": first, "currency": context.currency})
    ).all()
    if not rows:
        return fees
    voided: Voided = {}
    if any(_is_over(row, first) for row in rows) and not (voided := await load_voided(session, context)):
        rows = [row for row in rows if not _is_over(row, first)]
    uses = await read_uses(session, before=first)
    left = without_credits(lines, apart=earlier.keys())
    for row in rows:
        among: Sequence[int] = range(len(lines))
        if _is_over(row, first):
            among = places_charged_again(lines, voided, first=row.from_month, last=row.valid_until)
        parts = _parts(_terms(row), uses.get(row.id, ()), lines, left, among)
        for number, part in parts.items():
            left[number] -= part
        fees += _fees(context, row, lines, parts)
    return fees


def without_credits(lines: Sequence[ChargedLine], *, apart: AbstractSet[int] = frozenset()) -> list[int]:
    """Charge of each line after the credits among the lines: a credit reduces its own product first, then all lines.
    Credits at the places `apart` are for other invoices.
    """
    left = [max(0, line.amount_minor) for line in lines]
    credit_of: dict[str, int] = {}
    for place, line in enumerate(lines):
        if line.amount_minor < 0 and place not in apart:
            credit_of[line.product] = credit_of.get(line.product, 0) - line.amount_minor
    rest = 0
    for product, credit in credit_of.items():
        rest += _deduct(credit, left, [place for place, line in enumerate(lines) if line.product == product])
    _deduct(rest, left, range(len(lines)))
    return left


def _deduct(credit: int, left: list[int], places: Sequence[int]) -> int:
    """Spread a credit over the lines at these places. Returns the remainder that exceeds them."""
    taken = min(credit, sum(left[place] for place in places))
    if taken:
        shares = allocate(taken, [Weight(str(place), left[place]) for place in places], cap_to_items=True)
        for place in places:
            left[place] -= int(shares[str(place)])
    return credit - taken


def _taken_back(context: FeeContext, credit: ChargedLine, amount: int) -> Fee:
    start, until = credit.service_from or context.period.start, credit.service_until or context.period.end
    return Fee(
        key=str(credit.id), kind=LineKind.DISCOUNT_BACK, name=credit.product, product=credit.product,
        service_from=start, service_until=until, amount_minor=amount,
        unit_price=Decimal(amount) / Decimal(10) ** stored_exponent(context.currency),
        cause={"credit_line": str(credit.id), "plan": credit.product},
    )  # fmt: skip


def _is_over(row: Row[Any], first: date) -> bool:
    return row.valid_until is not None and row.valid_until < first


def _parts(
    terms: CouponTerms,
    uses: Sequence[CouponUse],
    lines: Sequence[ChargedLine],
    left: Sequence[int],
    among: Sequence[int],
) -> Mapping[int, int]:
    """Discount of the coupon on each line at the places `among`, by place."""
    if terms.most_invoices is not None and len(uses) >= terms.most_invoices:
        return {}
    places = [number for number in among if not terms.only or lines[number].product in terms.only]
    coupon = Discount(
        amount_minor=terms.amount_minor, percent=terms.percent, recurring=terms.recurring,
        used_before_minor=sum(use.amount_minor for use in uses),
    )  # fmt: skip
    credit = apply_coupon(coupon, [left[number] for number in places]) if places else None
    return {} if credit is None else {
        number: part for number, part in zip(places, credit.per_fee, strict=True) if part
    }  # fmt: skip


def _fees(context: FeeContext, row: Row[Any], lines: Sequence[ChargedLine], parts: Mapping[int, int]) -> Sequence[Fee]:
    by_product: dict[str, int] = {}
    for number, part in parts.items():
        by_product[lines[number].product] = by_product.get(lines[number].product, 0) + part
    scale = Decimal(10) ** stored_exponent(context.currency)
    return [
        Fee(
            key=f"{row.id} {product}", kind=LineKind.DISCOUNT,
            name=row.name if len(by_product) == 1 else f"{row.name} ({product})", product=product,
            service_from=context.period.start, service_until=context.period.end, quantity=Decimal(-1),
            unit_price=Decimal(amount) / scale, amount_minor=-amount,
            cause={CAUSE: str(row.id), "coupon_code": row.code, "product": product},
        )
        for product, amount in sorted(by_product.items())
    ]  # fmt: skip


def _terms(row: Row[Any]) -> CouponTerms:
    return msgspec.convert({name: getattr(row, name) for name in TERM_NAMES}, CouponTerms)


_COUPONS = text("""
    SELECT * FROM client_coupon
     WHERE tenant_id = :tenant AND ended_at IS NULL AND from_month <= :first
       AND (currency IS NULL OR currency = :currency)
     ORDER BY given_at, id
""")
