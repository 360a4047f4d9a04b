"""Conversion of Vendure's integers to our values: its own digits, and floats' exact range."""

from decimal import Decimal
from typing import Final

from canonical.money import InexactAmount, parse_decimal, to_integer
from connectors.vendure import reasons

EXACT: Final = 2**53 - 1
"""Above it Vendure's numbers, which are floats, skip integers: two of our amounts would become one."""


def to_shop(amount: Decimal, precision: int) -> int | None:
    """The shop's integer for an amount in major units; None when its `precision` cannot hold the amount."""
    shifted = amount.scaleb(precision)
    return int(shifted) if shifted == shifted.to_integral_value() else None


def from_shop(number: int, precision: int) -> Decimal:
    """The amount in major units."""
    return Decimal(number).scaleb(-precision)


def read_whole(text: str) -> int:
    """An integer of Vendure's JSON. Raises InexactAmount, also above the exact range."""
    number = parse_decimal(text)
    if abs(number) > EXACT:
        raise InexactAmount(reasons.NUMBERS_EXACT, most=EXACT)
    return to_integer(number)
