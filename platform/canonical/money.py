"""Money as integer minor units with an ISO 4217 currency; decimals only at the boundaries, and never rounded."""

import json
import re
from decimal import Decimal
from typing import Final

import msgspec

from canonical import problems
from canonical.currencies import DIGITS, FORMER, WITHOUT_MINOR_UNIT
from canonical.problems import CanonicalError, quote

LARGEST: Final = 2**63 - 1
"""The database's largest integer."""

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,200}(\.[0-9]{1,200})?([eE][+-]?[0-9]{1,3})?")
_MOST_DIGITS: Final = 19
KEPT: Final = {**DIGITS, **FORMER}
"""Digits after the decimal point of every currency that a stored amount may have."""


class UnknownCurrency(CanonicalError):
    """The currency is not in ISO 4217, or has no minor unit to count."""


class InexactAmount(CanonicalError):
    """The number cannot be stored exactly: it has more digits than the currency, or is too large."""


def minor_exponent(currency: str) -> int:
    """Digits after the decimal point of `currency`.

    Raises:
        UnknownCurrency: the value of one minor unit is unknown, and no default is right.
    """
    digits = DIGITS.get(currency)
    if digits is None:
        known = currency in WITHOUT_MINOR_UNIT
        raise UnknownCurrency(problems.NO_MINOR_UNIT if known else problems.NOT_A_CURRENCY, currency=currency[:20])
    return digits


def stored_exponent(currency: str) -> int:
    """As `minor_exponent`, for a stored amount: ISO 4217 may have dropped its currency since."""
    digits = KEPT.get(currency)
    return minor_exponent(currency) if digits is None else digits


def parse_decimal(text: str) -> Decimal:
    """A number from another system: ASCII digits with a decimal point, also in exponent notation.

    `Decimal` itself accepts more: NaN, infinities, underscores, blanks and the digits of every script.

    Raises:
        InexactAmount: any other text, such as a number with thousands separators.
    """
    if not _NUMBER.fullmatch(text):
        raise InexactAmount(problems.NOT_DECIMAL, number=quote(text))
    return Decimal(text)


def number_text(raw: bytes) -> str:
    """The digits of a JSON number as written, also inside quotes. Never converted through a float."""
    try:
        return json.loads(raw, parse_float=str, parse_int=str) if raw[:1] == b'"' else raw.decode()
    except ValueError:
        return repr(raw[:60])


def to_integer(number: Decimal, exponent: int = 0) -> int:
    """`number` times ten to the power of `exponent`, exactly.

    Raises:
        InexactAmount: the product is not an integer that fits the database.
    """
    if not number.is_finite():
        raise InexactAmount(problems.NOT_A_NUMBER, number=quote(number))
    if not number:
        return 0  # also for a negative zero
    if number.adjusted() + exponent >= _MOST_DIGITS:  # before 10 ** exponent is computed
        raise InexactAmount(problems.TOO_LARGE, number=quote(number))
    sign, digits, own = number.as_tuple()
    coefficient = int("".join(map(str, digits)))
    shift = int(own) + exponent
    if shift < 0:
        # A longer shift than there are digits leaves a remainder in any case.
        divisor: int = 10 ** min(-shift, len(digits) + 1)
        coefficient, rest = divmod(coefficient, divisor)
        if rest:
            raise InexactAmount(problems.TOO_FINE, number=quote(number), digits=exponent)
    else:
        coefficient *= int(10**shift)
    if coefficient > LARGEST:
        raise InexactAmount(problems.TOO_LARGE, number=quote(number))
    return -coefficient if sign else coefficient


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount of money. `minor` counts the smallest unit of `currency`: 1999 USD is $19.99, 1999 JPY is ¥1999."""

    minor: int
    currency: str

    @classmethod
    def from_decimal(cls, amount: Decimal, currency: str) -> "Money":
        """The amount, exactly.

        Raises:
            InexactAmount: the amount is not an integer number of the currency's minor units. Nothing is rounded.
            UnknownCurrency: see `minor_exponent`.
        """
        try:
            return cls(to_integer(amount, minor_exponent(currency)), currency)
        except InexactAmount as found:
            raise InexactAmount(problems.NOT_OF_CURRENCY, reason=found.problem, currency=currency) from None

    @classmethod
    def from_text(cls, text: str, currency: str) -> "Money":
        """As `from_decimal`, of a number as written by another system (`parse_decimal`)."""
        return cls.from_decimal(parse_decimal(text), currency)

    def to_decimal(self) -> Decimal:
        return Decimal(self.minor).scaleb(-minor_exponent(self.currency))

    def __str__(self) -> str:
        exponent = minor_exponent(self.currency)
        return f"{self.to_decimal():,.{exponent}f} {self.currency}"


def decimal_amount(minor: int, currency: str) -> Decimal:
    """`minor` units as an amount of `currency`, with all its digits; also of a stored, former currency."""
    return Decimal(minor).scaleb(-stored_exponent(currency))
