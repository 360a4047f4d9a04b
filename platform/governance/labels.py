"""Formatting of values and severities on pages."""

from typing import Final

from branding.formats import format_grouped, format_money, format_percent
from canonical.elements import COST, PRICE, STOCK
from canonical.money import Money
from canonical.values import Value
from foundation.text import mark_key
from governance.exception_types import find_type

LEVELS: Final = (("critical", 70), ("high", 50), ("medium", 30), ("low", 0))
"""The lowest severity of each level, worst first."""

_ELEMENTS: Final = {PRICE: "List price", STOCK: "Stock on hand", COST: "Cost"}
_NOTHING: Final = "nothing"
_SMALL: Final = 0.0005
"""Smaller differences would be rounded to 0.0%."""


def level_of(severity: int) -> str:
    return next(name for name, least in LEVELS if severity >= least)


def write_value(value: Value | None) -> str:
    """Format money with its currency, stock as a number of pieces."""
    if value is None:
        return _NOTHING
    if value.currency:
        return format_money(Money(value.amount, value.currency))
    return format_grouped(value.amount)


def write_element(element: str) -> str:
    return _ELEMENTS.get(element, element)


def write_kind(code: str) -> str:
    """Label of an exception code."""
    found = find_type(code)
    return write_words(code) if found is None else found.label


def write_words(name: str) -> str:
    """A code like `member.signed_out` as words."""
    return name.replace(".", " ").replace("_", " ").capitalize()


def name_subject(element: str, record_key: str) -> str:
    """The subject of a sentence: “List price of SKU-1”."""
    return f"{write_element(element)} of {mark_key(record_key)}"


def write_difference(old: Value | None, new: Value) -> str:
    """The difference as a percentage of the old value; empty without a comparable old value."""
    if old is None or old.amount <= 0 or old.currency != new.currency:
        return ""
    part = (new.amount - old.amount) / old.amount
    digits = 1 if abs(part) >= _SMALL else 2
    return ("+" if part > 0 else "") + format_percent(part, digits)


def write_share(part: int, whole: int) -> str:
    """A percentage, never rounded up to 100 % while `part` is less than `whole`."""
    if whole == 0:
        return "—"
    share = int(1000 * part / whole) / 10
    return f"{share:.0f}%" if share == int(share) else f"{share:.1f}%"
