"""Rounding to a currency's digits: the only place where an amount loses precision."""

from decimal import Decimal, localcontext
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor
from typing import Final

from billing.pricing.numbers import Number, exact


class Rounding(StrEnum):
    """Direction of rounding. Halves of `half_up` and `half_down` go away from zero and towards it; `up` and `down` are
    away from zero and towards it, `ceiling` and `floor` are signed.
    """

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    HALF_DOWN = "half_down"
    UP = "up"
    DOWN = "down"
    CEILING = "ceiling"
    FLOOR = "floor"


def round_to_integer(number: Number, mode: Rounding = Rounding.HALF_UP) -> int:
    """`number` as a whole number."""
    value = exact(number)
    if mode is Rounding.HALF_EVEN:
        return round(value)
    if mode is Rounding.CEILING:
        return ceil(value)
    if mode is Rounding.FLOOR:
        return floor(value)
    size, half = abs(value), Fraction(1, 2)
    whole = {
        Rounding.HALF_UP: lambda: floor(size + half),
        Rounding.HALF_DOWN: lambda: ceil(size - half),
        Rounding.UP: lambda: ceil(size),
        Rounding.DOWN: lambda: floor(size),
    }[mode]()
    return -whole if value < 0 else whole


def round_amount(amount: Number, exponent: int = 2, mode: Rounding = Rounding.HALF_UP) -> Decimal:
    """`amount` with `exponent` digits after the point: 2 for EUR, 0 for JPY, 3 for KWD. A negative exponent rounds to
    tens.
    """
    whole = round_to_integer(exact(amount) * Fraction(10) ** exponent, mode)
    with localcontext(prec=200):
        return Decimal(whole).scaleb(-exponent)


def to_minor(
    amount: Number,
    exponent: int = 2,
    *,
    mode: Rounding = Rounding.HALF_UP,
    stripe_three_decimal: bool = False,
) -> int:
    """`amount` in the currency's smallest unit. With `stripe_three_decimal` the last of three digits is 0, as Stripe
    requires of KWD, BHD, JOD, OMR and TND; the number is rounded once, from the amount itself.
    """
    if stripe_three_decimal:
        return round_to_integer(exact(amount) * Fraction(10) ** (exponent - 1), mode) * 10
    return round_to_integer(exact(amount) * Fraction(10) ** exponent, mode)


_STRIPE_EXPONENTS: Final = {"ISK": 2, "UGX": 2, "HUF": 2, "TWD": 2}
_STRIPE_THREE_DECIMAL: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


def to_stripe(amount: Number, currency: str, exponent: int, *, mode: Rounding = Rounding.HALF_UP) -> int:
    """`amount` as Stripe counts it. `exponent`: the currency's digits by ISO 4217, which Stripe keeps but for ISK, UGX,
    HUF and TWD (sent in hundredths, whole ones only for the first two) and the three-decimal ones (last digit 0).
    """
    if currency in ("ISK", "UGX"):
        return round_to_integer(amount, mode) * 100
    return to_minor(
        amount,
        _STRIPE_EXPONENTS.get(currency, exponent),
        mode=mode,
        stripe_three_decimal=currency in _STRIPE_THREE_DECIMAL,
    )
