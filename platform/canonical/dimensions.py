"""Dimensions of a value, such as its price list, warehouse or language.

A dimension is one canonical text, `currency=EUR,price_list=retail`: names in alphabetical order, values
percent-encoded, so that equal dimensions are equal as text, in keys and in SQL. The empty text is the undivided value.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote

from canonical import problems
from canonical.amounts import canonical_amount
from canonical.currencies import DIGITS, FORMER
from canonical.marks import N_
from canonical.money import InexactAmount
from canonical.problems import CanonicalError

UNDIVIDED: Final = ""
LONGEST: Final = 500
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff\ufffd]{1,100}")
_LOCALE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?")

LABELS: Final = {
    "price_list": N_("Price list"),
    "currency": N_("Currency"),
    "customer_group": N_("Customer group"),
    "min_quantity": N_("From quantity"),
    "valid_from": N_("Valid from"),
    "valid_to": N_("Valid to"),
    "location": N_("Location"),
    "locale": N_("Language"),
}
"""The names of dimensions, with their labels, in the order in which pages show them."""


class InvalidDimension(CanonicalError):
    """The text or the parts are not a dimension."""


def dimension(**parts: str) -> str:
    """The canonical text of these parts. Raises InvalidDimension."""
    return dimension_of(parts)


def dimension_of(parts: Mapping[str, str]) -> str:
    """The canonical text of a mapping of parts. Raises InvalidDimension."""
    text = ",".join(f"{name}={quote(_check(name, parts[name]), safe='')}" for name in sorted(parts))
    if len(text) > LONGEST:
        raise InvalidDimension(problems.DIMENSION_TOO_LONG, most=LONGEST)
    return text


@lru_cache(maxsize=65_536)
def parse_dimension(text: str) -> tuple[tuple[str, str], ...]:
    """Names and values of a canonical text, in its order. Raises InvalidDimension for any other text."""
    if not text:
        return ()
    parts = dict[str, str]()
    for part in text[: LONGEST + 1].split(","):
        name, equals, value = part.partition("=")
        if not equals or name in parts:
            raise InvalidDimension(problems.NOT_A_DIMENSION, text=text[:80])
        parts[name] = unquote(value, errors="replace")
    if dimension_of(parts) != text:
        raise InvalidDimension(problems.NOT_CANONICAL, text=text[:80])
    return tuple(parts.items())


@lru_cache(maxsize=65_536)
def part_of(text: str, name: str) -> str:
    """The value of one name in a dimension; empty without it. Raises InvalidDimension."""
    return dict(parse_dimension(text)).get(name, "")


def _check(name: str, value: str) -> str:
    if name not in LABELS:
        raise InvalidDimension(problems.UNKNOWN_DIMENSION, text=name[:40], named=", ".join(LABELS))
    if not _FITS[name](value):
        raise InvalidDimension(problems.NOT_OF_DIMENSION, text=problems.quote(value), name=name)
    return value


def _is_name(value: str) -> bool:
    return bool(_NAME.fullmatch(value)) and value == value.strip()


def _is_currency(value: str) -> bool:
    return value in DIGITS or value in FORMER


def _is_amount(value: str) -> bool:
    try:
        return canonical_amount(value) == value and not value.startswith("-")
    except InexactAmount:
        return False


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_locale(value: str) -> bool:
    return bool(_LOCALE.fullmatch(value))


_FITS: Final = {
    "price_list": _is_name,
    "currency": _is_currency,
    "customer_group": _is_name,
    "min_quantity": _is_amount,
    "valid_from": _is_date,
    "valid_to": _is_date,
    "location": _is_name,
    "locale": _is_locale,
}
