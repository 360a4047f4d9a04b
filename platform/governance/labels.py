"""Formatting of values and severities on pages."""

from typing import Final

from branding.formats import format_grouped, format_money, format_percent
from canonical.elements import COST, PRICE, STOCK
from canonical.money import Money
from canonical.values import Value
from foundation.i18n.localizer import Localizer, current_localizer
from foundation.i18n.messages import N_
from foundation.text import mark_key
from governance.exception_types import find_type

LEVELS: Final = (("critical", 70), ("high", 50), ("medium", 30), ("low", 0))
"""The lowest severity of each level, worst first."""

_ELEMENTS: Final = {PRICE: N_("List price"), STOCK: N_("Stock on hand"), COST: N_("Cost")}
_NOTHING: Final = N_("nothing")
_SMALL: Final = 0.0005
"""Smaller differences would be rounded to 0.0%."""


def level_of(severity: int) -> str:
    return next(name for name, least in LEVELS if severity >= least)


def write_value(value: Value | None, localizer: Localizer | None = None) -> str:
    """Format money with its currency, stock as a number of pieces."""
    words = localizer or current_localizer()
    if value is None:
        return words.text(_NOTHING)
    if value.currency:
        return format_money(Money(value.amount, value.currency), words)
    return format_grouped(value.amount, words)


def write_element(element: str, localizer: Localizer | None = None) -> str:
    label = _ELEMENTS.get(element)
    return element if label is None else (localizer or current_localizer()).text(label)


def write_kind(code: str) -> str:
    """Label of an exception code."""
    found = find_type(code)
    return write_words(code) if found is None else current_localizer().text(found.label)


def write_words(name: str) -> str:
    """A code like `member.signed_out` as words."""
    return name.replace(".", " ").replace("_", " ").capitalize()


def name_subject(element: str, record_key: str) -> str:
    """The subject of a sentence: “List price of SKU-1”."""
    text = current_localizer().text(N_("{element} of {record_key}"))
    return text.format(element=write_element(element), record_key=mark_key(record_key))


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
    thousandths = int(1000 * part / whole)
    return format_percent(thousandths / 1000, 1 if thousandths % 10 else 0)
