"""Identifiers of products by scheme: GTIN with its check digit, HS code, and the manufacturer's own number."""

import re
from typing import Final

from canonical import problems
from canonical.problems import CanonicalError, quote

_GTIN: Final = re.compile(r"[0-9]{8}|[0-9]{12,14}")
_PATTERNS: Final = {
    "gtin": _GTIN,
    "hs": re.compile(r"[0-9]{6}(?:[0-9]{2}){0,2}"),  # the international six digits, and up to four national ones
    "mpn": re.compile(r"[ -~]{1,70}"),
    "sku": re.compile(r"[ -~]{1,100}"),
}
SCHEMES: Final = tuple(_PATTERNS)


class InvalidIdentifier(CanonicalError):
    """The identifier is not valid in its scheme."""


def check_identifier(scheme: str, value: str) -> None:
    """Raise InvalidIdentifier unless `value` is an identifier of `scheme`."""
    pattern = _PATTERNS.get(scheme)
    if pattern is None:
        raise InvalidIdentifier(problems.UNKNOWN_SCHEME, text=scheme[:40], named=", ".join(SCHEMES))
    if not pattern.fullmatch(value):
        raise InvalidIdentifier(problems.OTHER_FORM, text=quote(value), scheme=scheme)
    if scheme == "gtin" and gtin_check_digit(value[:-1]) != value[-1]:
        raise InvalidIdentifier(problems.CHECK_DIGIT, text=value)


def gtin_check_digit(digits: str) -> str:
    """The check digit after `digits`: weights 3 and 1 from the right. Source: GS1 General Specifications, 7.9."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)
