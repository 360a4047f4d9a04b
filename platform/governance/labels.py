"""Formatting of values and severities on pages."""

from typing import Final

from branding.formats import format_amount, format_percent
from canonical.dimensions import describe_dimension
from canonical.elements import describe_element, element_type
from canonical.keys import ElementKey
from canonical.money import kept_exponent
from canonical.orders import OrderValue
from canonical.values import (
    PIECE,
    BooleanValue,
    ListValue,
    MeasureValue,
    MoneyValue,
    QuantityValue,
    TimestampValue,
    Value,
    write_plainly,
)
from foundation.i18n.localizer import Localizer, current_localizer
from foundation.i18n.messages import N_
from foundation.text import mark_key
from governance.exception_types import find_type

LEVELS: Final = (("critical", 70), ("high", 50), ("medium", 30), ("low", 0))
"""The lowest severity of each level, worst first."""

_NOTHING: Final = N_("nothing")
_YES, _NO = N_("Yes"), N_("No")
_ORDER: Final = N_("{total} · lines: {number}")
_NARROW: Final = "\N{NO-BREAK SPACE}"
_UNITS: Final = {PIECE: ""}
_SMALL: Final = 0.0005
"""Smaller differences would be rounded to 0.0%."""


def level_of(severity: int) -> str:
    return next(name for name, least in LEVELS if severity >= least)


def write_value(value: Value | None, localizer: Localizer | None = None) -> str:  # noqa: PLR0911 - one case per type
    """Format a value for people: money with its currency, pieces as a number, a text as itself."""
    words = localizer or current_localizer()
    match value:
        case None:
            return words.text(_NOTHING)
        case MoneyValue(currency=currency):
            return f"{format_amount(value.number, words, places=kept_exponent(currency))}{_NARROW}{currency}"
        case QuantityValue() | MeasureValue():
            return f"{format_amount(value.number, words)}{_UNITS.get(value.unit, _NARROW + value.unit)}"
        case BooleanValue(value=yes):
            return words.text(_YES if yes else _NO)
        case TimestampValue(at=at):
            return words.moment(at, seconds=True)
        case ListValue(items=items):
            return ", ".join(write_value(item, words) for item in items) or words.text(_NOTHING)
        case OrderValue(currency=currency, lines=lines):
            total = format_amount(value.total, words, places=kept_exponent(currency))
            return words.text(_ORDER).format(total=f"{total}{_NARROW}{currency}", number=words.number(len(lines)))
        case _:
            return write_plainly(value)


def write_element(element: str, dimension: str = "", localizer: Localizer | None = None) -> str:
    """The element with what it is divided by: “List price · retail · EUR”."""
    label = (localizer or current_localizer()).text(describe_element(element))
    return f"{label} · {describe_dimension(dimension)}" if dimension else label


def write_kind(code: str) -> str:
    """Label of an exception code."""
    found = find_type(code)
    return write_words(code) if found is None else current_localizer().text(found.label)


def write_words(name: str) -> str:
    """A code like `member.signed_out` as words."""
    return name.replace(".", " ").replace("_", " ").capitalize()


def is_judged(element: str) -> bool:
    """Whether policy judges the element by the record's reference value, its cost."""
    known = element_type(element)
    return known is not None and bool(known.judged_with)


def name_subject(key: ElementKey) -> str:
    """The subject of a sentence: “List price of SKU-1”, “Stock on hand (Berlin) of SKU-1”."""
    text = current_localizer().text(N_("{element} of {record_key}"))
    part = f" ({describe_dimension(key.dimension)})" if key.dimension else ""
    return text.format(element=write_element(key.element) + part, record_key=mark_key(key.record_key))


def write_difference(old: Value | None, new: Value) -> str:
    """The difference as a percentage of the old value; empty without a comparable old value."""
    match old, new:
        case (MoneyValue(), MoneyValue()) if old.currency == new.currency:
            before, after = old.number, new.number
        case (QuantityValue(), QuantityValue()) if old.unit == new.unit:
            before, after = old.number, new.number
        case _:
            return ""
    if before <= 0:
        return ""
    part = float((after - before) / before)
    digits = 1 if abs(part) >= _SMALL else 2
    return ("+" if part > 0 else "") + format_percent(part, digits)


def write_share(part: int, whole: int) -> str:
    """A percentage, never rounded up to 100 % while `part` is less than `whole`."""
    if whole == 0:
        return "—"
    thousandths = int(1000 * part / whole)
    return format_percent(thousandths / 1000, 1 if thousandths % 10 else 0)
