"""Coupons and the division of amounts: before tax, in proportion to the fees, without losing a minor unit."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor

import msgspec

from billing.pricing.numbers import Number, decimal, exact, share, total
from billing.pricing.rounding import Rounding, round_to_integer


class Weight(msgspec.Struct, frozen=True):
    key: str
    weight: Number


class Discount(msgspec.Struct, frozen=True, kw_only=True):
    """An amount or a percentage off. An amount coupon is used up over as many invoices as it lasts; a `recurring` one
    begins again with each. `only`: the ids of the fees it is for; None for all.
    """

    amount_minor: Number | None = None
    percent: Number | None = None
    used_before_minor: Number = 0
    recurring: bool = False
    only: Collection[str] | None = None


class CouponCredit(msgspec.Struct, frozen=True):
    credit_minor: int
    per_fee: tuple[int, ...]


class TaxedFee(msgspec.Struct, frozen=True):
    """An amount in minor units with its tax rate."""

    id: str
    minor: Number
    tax_pct: Number = 0


class DiscountedFees(msgspec.Struct, frozen=True):
    """`discounts` are exact shares of the coupons; taxes are on the discounted fees, rounded."""

    coupons_minor: int
    subtotal_minor: int
    taxes: tuple[int, ...]
    discounts: tuple[Fraction, ...]


def allocate(
    amount: Number, items: Sequence[Weight], *, exponent: int = 0, cap_to_items: bool = False
) -> dict[str, Decimal]:
    """`amount` divided by weight into parts of `exponent` digits, whose sum is the amount. Units left by rounding go to
    the largest remainders, of equal ones to the lowest key. Without any weight all count alike. `cap_to_items`: the
    weights are amounts, and no part is larger than its own.

    Raises:
        ValueError: a negative weight, an amount that the digits cannot show, or an amount without items.
    """
    wanted = exact(amount)
    if cap_to_items:
        most = total([exact(item.weight) for item in items])
        wanted = max(-most, min(most, wanted))
    sign, scale = (-1 if wanted < 0 else 1), Fraction(10) ** exponent
    units = abs(wanted) * scale
    if units.denominator != 1 or any(exact(item.weight) < 0 for item in items) or (units and not items):
        raise ValueError("an amount of the currency's digits is divided by weights of 0 or more")
    parts = _largest_remainder(int(units), items)
    return {key: decimal(Fraction(sign * part) / scale) for key, part in parts.items()}


def _largest_remainder(units: int, items: Sequence[Weight]) -> dict[str, int]:
    whole = total([exact(item.weight) for item in items])
    weights = {item.key: exact(item.weight) if whole else Fraction(1) for item in items}
    whole = whole or Fraction(len(items))
    shares = {key: units * weight / whole for key, weight in weights.items()}
    parts = {key: floor(part) for key, part in shares.items()}
    order = sorted(shares, key=lambda key: (parts[key] - shares[key], _rank(key)))
    for key in order[: units - sum(parts.values())]:
        parts[key] += 1
    return parts


def _rank(key: str) -> tuple[int, int, str]:
    """Numbers in the order of numbers, before other keys in the order of letters."""
    return (0, int(key), "") if key.isascii() and key.isdigit() else (1, 0, key)


def percent_of_each(percent: Number, amounts: Sequence[Number], *, mode: Rounding = Rounding.HALF_UP) -> list[int]:
    """A percentage of each amount, each rounded: the sum drifts from the percentage of the sum."""
    return [round_to_integer(exact(amount) * exact(percent) / 100, mode) for amount in amounts]


def percent_of_sum(percent: Number, amounts: Sequence[Number], *, mode: Rounding = Rounding.HALF_UP) -> int:
    """A percentage of the sum, rounded once. `allocate` spreads it over the amounts."""
    return round_to_integer(total([exact(amount) for amount in amounts]) * exact(percent) / 100, mode)


def apply_coupon(coupon: Discount, fees_minor: Sequence[int], *, mode: Rounding = Rounding.HALF_UP) -> CouponCredit:
    """The credit of a coupon on fees, at most their sum, and each fee's part of it. Fees below 0 get none."""
    weights = [Weight(str(number), max(0, fee)) for number, fee in enumerate(fees_minor)]
    credit = round_to_integer(_credit(coupon, total([exact(one.weight) for one in weights])), mode)
    parts = allocate(credit, weights)
    return CouponCredit(credit, tuple(int(parts[one.key]) for one in weights))


def _credit(coupon: Discount, base: Fraction) -> Fraction:
    if coupon.percent is not None:
        return base * exact(coupon.percent) / 100
    left = exact(coupon.amount_minor or 0) - (0 if coupon.recurring else exact(coupon.used_before_minor))
    return max(Fraction(0), min(left, base))


def spend_coupon(amount_minor: int, invoices_minor: Sequence[int]) -> tuple[list[int], int]:
    """Credits of an amount coupon on successive invoices, and its rest."""
    left, credits_ = amount_minor, list[int]()
    for invoice in invoices_minor:
        credits_.append(max(0, min(left, invoice)))
        left -= credits_[-1]
    return credits_, left


def coupons_then_tax(
    fees: Sequence[TaxedFee], coupons: Sequence[Discount], *, mode: Rounding = Rounding.HALF_UP
) -> DiscountedFees:
    """Fees after the coupons, one after the other, each spread in proportion to the remaining fees; then the tax of
    each fee. A coupon's credit is rounded, its shares are not.
    """
    left = [exact(fee.minor) for fee in fees]
    credited = 0
    for coupon in coupons:
        base = [
            max(Fraction(0), rest) if coupon.only is None or fee.id in coupon.only else Fraction(0)
            for fee, rest in zip(fees, left, strict=True)
        ]
        credit = round_to_integer(_credit(coupon, total(base)), mode)
        credited += credit
        left = [rest - credit * share(part, total(base)) for rest, part in zip(left, base, strict=True)]
    return DiscountedFees(
        credited,
        round_to_integer(total(left), mode),
        tuple(round_to_integer(rest * exact(fee.tax_pct) / 100, mode) for fee, rest in zip(fees, left, strict=True)),
        tuple(exact(fee.minor) - rest for fee, rest in zip(fees, left, strict=True)),
    )
