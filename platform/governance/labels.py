"""Formatting of values and severities on pages."""

from decimal import Decimal
from typing import Final

from branding.formats import format_amount, format_percent, write_exact_money
from canonical.dimensions import LABELS, InvalidDimension, parse_dimension
from canonical.elements import describe_element, element_type
from canonical.keys import ElementKey
from canonical.money import stored_exponent
from canonical.orders import OrderValue
from canonical.values import (
    PIECE,
    BooleanValue,
    HiddenValue,
    ListValue,
    MeasureValue,
    MoneyValue,
    QuantityValue,
    TimestampValue,
    Value,
    write_plainly,
)
from foundation.i18n.localizer import Localizer, current_localizer
from foundation.marks import N_
from foundation.text import mark_key
from governance.exception_types import find_type

LEVELS: Final = (("critical", 70), ("high", 50), ("medium", 30), ("low", 0))
"""The lowest severity of each level, worst first."""
LEVEL_LABELS: Final = {"critical": N_("Critical"), "high": N_("High"), "medium": N_("Medium"), "low": N_("Low")}

VALUE_TYPE_LABELS: Final = {
    "money": N_("Money"),
    "quantity": N_("Quantity"),
    "measure": N_("Measure"),
    "text": N_("Text"),
    "enumeration": N_("Enumeration"),
    "boolean": N_("Yes or no"),
    "date": N_("Date"),
    "timestamp": N_("Timestamp"),
    "identifier": N_("Identifier"),
    "reference": N_("Reference"),
    "media": N_("Media"),
    "list": N_("List"),
    "order": N_("Order"),
}
"""Labels of the types of values, by tag."""
DELETED_CONNECTION: Final = N_("a deleted connection")
_NOTHING: Final = N_("nothing")
HIDDEN: Final = N_("hidden")
_YES, _NO = N_("Yes"), N_("No")
_ORDER: Final = N_("{total} · lines: {number}")
_CANCELLED_ORDER: Final = N_("Cancelled in the shop")
_PARTS: Final = {
    "min_quantity": N_("from quantity {value}"),
    "valid_from": N_("valid from {value}"),
    "valid_to": N_("valid to {value}"),
}
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
        case HiddenValue():
            return words.text(HIDDEN)
        case MoneyValue(currency=currency):
            return write_amount(value.number, currency, words)
        case QuantityValue() | MeasureValue():
            return f"{format_amount(value.number, words)}{_UNITS.get(value.unit, _NARROW + value.unit)}"
        case BooleanValue(value=yes):
            return words.text(_YES if yes else _NO)
        case TimestampValue(at=at):
            return words.moment(at, seconds=True)
        case ListValue(items=items):
            return ", ".join(write_value(item, words) for item in items) or words.text(_NOTHING)
        case OrderValue(is_cancelled=True):
            return words.text(_CANCELLED_ORDER)
        case OrderValue(currency=currency, lines=lines):
            total = write_amount(value.total, currency, words)
            return words.text(_ORDER).format(total=total, number=words.number(len(lines)))
        case _:
            return write_plainly(value)


def write_amount(number: Decimal | str, currency: str, localizer: Localizer | None = None) -> str:
    """Format an exact amount, such as $1,999.00, with at least the currency's digits."""
    return write_exact_money(Decimal(number), currency, localizer, places=stored_exponent(currency))


def write_element(element: str, dimension: str = "", localizer: Localizer | None = None) -> str:
    """The element with its dimension: “List price · retail · EUR”."""
    words = localizer or current_localizer()
    label = words.text(describe_element(element))
    return f"{label} · {write_dimension(dimension, words)}" if dimension else label


def write_dimension(dimension: str, localizer: Localizer | None = None) -> str:
    """“retail · EUR”, “Berlin”, “German”; empty for the undivided value, and a text that is no dimension as it is."""
    try:
        parts = dict(parse_dimension(dimension))
    except InvalidDimension:
        return dimension
    words = localizer or current_localizer()
    return " · ".join(_write_part(name, parts[name], words) for name in LABELS if name in parts)


def _write_part(name: str, value: str, words: Localizer) -> str:
    if name == "locale":
        return words.language_name(value)
    return words.fill(_PARTS[name], {"value": value}) if name in _PARTS else value


def write_kind(code: str) -> str:
    """Label of an exception code."""
    found = find_type(code)
    return write_name(code) if found is None else current_localizer().text(found.label)


def write_name(name: str) -> str:
    """A code like `member.signed_out` as words."""
    return name.replace(".", " ").replace("_", " ").capitalize()


def is_decided_with_cost(element: str) -> bool:
    """Whether policy compares the element with the record's reference value, its cost."""
    known = element_type(element)
    return known is not None and bool(known.policy_reference)


def name_subject(key: ElementKey) -> str:
    """The subject of a sentence: “List price of SKU-1”, “Stock on hand (Berlin) of SKU-1”."""
    text = current_localizer().text(N_("{element} of {record_key}"))
    part = f" ({write_dimension(key.dimension)})" if key.dimension else ""
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
