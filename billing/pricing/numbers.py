"""Exact numbers: conversion of arguments and results."""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

Number = Decimal | int | Fraction

_DIGITS = 200
_PLACES = 30


def exact(number: Number) -> Fraction:
    """The number as a fraction.

    Raises:
        TypeError: a float, or no number at all.
        ValueError: NaN or infinite.
    """
    if isinstance(number, bool) or not isinstance(number, (Decimal, int, Fraction)):
        raise TypeError(f"a price needs Decimal, int or Fraction, not {type(number).__name__}")
    if isinstance(number, Decimal) and not number.is_finite():
        raise ValueError("a price needs a finite number")
    return Fraction(number)


def decimal(number: Fraction) -> Decimal:
    """The fraction as a decimal: exactly where it has an end, else to 30 places, half to even."""
    rest, twos = _without(2, number.denominator)
    rest, fives = _without(5, rest)
    places = max(twos, fives) if rest == 1 else _PLACES
    with localcontext(prec=_DIGITS):
        return Decimal(round(number * 10**places)).scaleb(-places)


def _without(prime: int, number: int) -> tuple[int, int]:
    """The number without this factor, and how often the factor was in it."""
    power = 0
    while number % prime == 0:
        number, power = number // prime, power + 1
    return number, power


def share(part: Number, whole: Number) -> Fraction:
    """`part` of `whole`; 0 of nothing."""
    divisor = exact(whole)
    return exact(part) / divisor if divisor else Fraction(0)


def total(numbers: Sequence[Fraction]) -> Fraction:
    return sum(numbers, Fraction(0))
