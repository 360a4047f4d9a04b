"""Exact decimal amounts as text: one text for each number, so that equal amounts are equal as text, JSON and jsonb."""

import re
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final

import msgspec
from msgspec.structs import force_setattr

from canonical import problems
from canonical.money import InexactAmount, parse_decimal
from canonical.problems import quote

MAX_INTEGER_DIGITS: Final = 26
MAX_PLACES: Final = 12
"""With MAX_INTEGER_DIGITS, the bounds of numeric(38, 12)."""
EXACT: Final = Context(prec=100)
"""For arithmetic with amounts: the usual context rounds to 28 digits. Enough for products of two, and sums of many."""

_CANONICAL: Final = re.compile(r"(?!-0\Z)-?(?:0|[1-9][0-9]{0,25})(?:\.[0-9]{0,11}[1-9])?")
is_canonical_amount: Final = _CANONICAL.fullmatch
"""Match of a text that is canonical already. Values test this first: nearly all are canonical, and each change has
eight values.
"""


def canonical_amount(amount: Decimal | int | str) -> str:
    """Return the canonical text of an amount: no exponent, no trailing zeros, no plus sign, no negative zero.

    Raises:
        InexactAmount: not a plain number, or beyond the bounds. Nothing is rounded.
    """
    if isinstance(amount, str):
        if is_canonical_amount(amount):
            return amount
        amount = parse_decimal(amount)
    return _write(Decimal(amount))


def normalise_amount(struct: msgspec.Struct, name: str) -> None:
    """Convert an amount of a frozen struct to its canonical text, in `__post_init__`. Raises InexactAmount."""
    given = getattr(struct, name)
    if (text := canonical_amount(given)) is not given:
        force_setattr(struct, name, text)


def scale_amount(amount: str, digits: int) -> int | Fraction:
    """A canonical amount times ten to the power of `digits`, exactly; an `int` if the product is integral.

    Computed on the text: decision facts need it several times per change, and `Fraction` costs twenty times as much.
    """
    whole, _, places = amount.partition(".")
    if len(places) <= digits:
        return int(whole + places.ljust(digits, "0"))
    return Fraction(amount) * int(10**digits)


def _write(number: Decimal) -> str:
    if not number.is_finite():
        raise InexactAmount(problems.NOT_A_NUMBER, number=quote(number))
    if not number:
        return "0"  # also for a negative zero
    if number.adjusted() >= MAX_INTEGER_DIGITS:  # before the digits are written out
        raise InexactAmount(problems.TOO_LARGE, number=quote(number))
    text = f"{number:f}" if number.adjusted() >= -MAX_PLACES else ""
    whole, _, places = text.partition(".")
    places = places.rstrip("0")
    if not text or len(places) > MAX_PLACES:
        raise InexactAmount(problems.TOO_FINE, number=quote(number), digits=MAX_PLACES)
    return f"{whole}.{places}" if places else whole
