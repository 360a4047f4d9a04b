"""Typed values of elements: a tagged union with one JSON text for each value.

Each type is checked and normalised on construction and on decoding, so that equal values have equal JSON, and `jsonb =`
in SQL is equality of values.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec.structs import force_setattr

from canonical import problems
from canonical.amounts import canonical_amount, is_canonical_amount, normalise_amount, scale_amount
from canonical.identifiers import check_identifier
from canonical.money import KEPT, LARGEST, stored_exponent
from canonical.orders import OrderValue
from canonical.problems import CanonicalError, ProblemType, quote

PIECE: Final = "H87"
"""UN/ECE Recommendation 20: piece."""

MAX_TEXT: Final = 65_536
MAX_ITEMS: Final = 1_000
MAX_KEY: Final = 200
_UNIT: Final = re.compile(r"[A-Z0-9]{2,3}")
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TYPE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MEDIA_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,99}")
_URL: Final = re.compile(r"https?://[!-~]{1,2000}")


class InvalidValue(CanonicalError):
    """The content is not a value of its type."""


class MoneyValue(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="money"):
    """An amount of money in major units; also finer than the currency's minor unit, as unit prices are.

    Raises InexactAmount, UnknownCurrency.
    """

    amount: str
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in KEPT:
            stored_exponent(self.currency)
        if not is_canonical_amount(self.amount):
            normalise_amount(self, "amount")

    @property
    def number(self) -> Decimal:
        return Decimal(self.amount)

    @property
    def minor(self) -> int | None:
        """The amount in minor units; None if that is no integer in the database's range."""
        minor = scale_amount(self.amount, KEPT[self.currency])
        return minor if isinstance(minor, int) and abs(minor) <= LARGEST else None


class QuantityValue(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="quantity"):
    """A number of units that are counted or measured out. `unit` is a code of UN/ECE Recommendation 20."""

    amount: str
    unit: str = PIECE

    def __post_init__(self) -> None:
        _check_measured(self)

    @property
    def number(self) -> Decimal:
        return Decimal(self.amount)


class MeasureValue(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="measure"):
    """A physical measure, such as a weight in KGM or a length in CMT."""

    amount: str
    unit: str

    def __post_init__(self) -> None:
        _check_measured(self)

    @property
    def number(self) -> Decimal:
        return Decimal(self.amount)


class TextValue(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="text"):
    text: str
    format: Literal["plain", "html"] = "plain"

    def __post_init__(self) -> None:
        if len(self.text) > MAX_TEXT:
            raise InvalidValue(problems.TEXT_TOO_LONG, most=MAX_TEXT, count=len(self.text))


class EnumerationValue(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="enumeration"):
    """One of the codes that the element declares."""

    code: str

    def __post_init__(self) -> None:
        _match(_CODE, self.code, problems.NOT_A_CODE)


class BooleanValue(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="boolean"):
    value: bool


class DateValue(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="date"):
    """A day of the calendar, without a time zone."""

    date: date


class TimestampValue(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="timestamp"):
    """An instant in UTC."""

    at: datetime

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise InvalidValue(problems.NO_OFFSET)
        if self.at.tzinfo is not UTC:
            try:
                force_setattr(self, "at", self.at.astimezone(UTC))
            except OverflowError:
                raise InvalidValue(problems.BEYOND_YEARS) from None


class IdentifierValue(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="identifier"):
    """An identifier of a scheme. Raises InvalidIdentifier, for example for a wrong check digit of a GTIN."""

    scheme: str
    value: str

    def __post_init__(self) -> None:
        check_identifier(self.scheme, self.value)


class ReferenceValue(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="reference"):
    """Another record, such as the customer of an order."""

    record_type: str
    record_key: str

    def __post_init__(self) -> None:
        _match(_TYPE, self.record_type, problems.NOT_A_RECORD_TYPE)
        if not 0 < len(self.record_key) <= MAX_KEY:
            raise InvalidValue(problems.KEY_LENGTH, most=MAX_KEY)


class MediaValue(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="media"):
    """A file at an address. `sha256` is the hash of its content, so that another picture at the same address is a
    change.
    """

    url: str
    media_type: str
    sha256: str

    def __post_init__(self) -> None:
        _match(_URL, self.url, problems.NOT_AN_ADDRESS)
        _match(_MEDIA_TYPE, self.media_type, problems.NOT_A_MEDIA_TYPE)
        _match(_SHA256, self.sha256, problems.NOT_A_HASH)


class HiddenValue(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="hidden"):
    """Placeholder in views for a value hidden from the reader's roles. Never a value of an element, never stored."""


ScalarValue: TypeAlias = (
    MoneyValue
    | QuantityValue
    | MeasureValue
    | TextValue
    | EnumerationValue
    | BooleanValue
    | DateValue
    | TimestampValue
    | IdentifierValue
    | ReferenceValue
    | MediaValue
)


class ListValue(msgspec.Struct, frozen=True, tag_field="type", tag="list"):
    """Values in an order that matters, such as the categories or the images of a product. Lists do not nest."""

    items: tuple[ScalarValue, ...]

    def __post_init__(self) -> None:
        if len(self.items) > MAX_ITEMS:
            raise InvalidValue(problems.LIST_TOO_LONG, most=MAX_ITEMS, count=len(self.items))


Value: TypeAlias = ScalarValue | ListValue | OrderValue | HiddenValue
NumberValue: TypeAlias = MoneyValue | QuantityValue | MeasureValue

VALUE_TYPES: Final = (
    "money", "quantity", "measure", "text", "enumeration", "boolean", "date", "timestamp", "identifier", "reference",
    "media", "list", "order",
)  # fmt: skip
"""The tags of the union, without that of hidden values, which no element has."""


class _Document(msgspec.Struct, array_like=True):
    """A value in a struct: its conversion costs a tenth of a bare union's, whose type is analysed at every call."""

    value: Value


_ENCODER: Final = msgspec.json.Encoder()


def money(amount: Decimal | int | str, currency: str) -> MoneyValue:
    """An exact amount in major units. Raises InexactAmount, UnknownCurrency."""
    return MoneyValue(canonical_amount(amount), currency)


def minor_money(minor: int, currency: str) -> MoneyValue:
    """An exact amount in minor units. Raises InexactAmount, UnknownCurrency."""
    digits = stored_exponent(currency)
    if not digits:
        return MoneyValue(str(minor), currency)
    sign, text = ("-" if minor < 0 else ""), str(abs(minor)).rjust(digits + 1, "0")
    whole, places = text[:-digits], text[-digits:].rstrip("0")
    return MoneyValue(f"{sign}{whole}.{places}" if places else f"{sign}{whole}", currency)


def quantity(amount: Decimal | int | str, unit: str = PIECE) -> QuantityValue:
    """An exact number of units. Raises InexactAmount, InvalidValue."""
    return QuantityValue(canonical_amount(amount), unit)


def type_of(value: Value) -> str:
    """The tag of a value's type."""
    return str(value.__struct_config__.tag)


def value_json(value: Value) -> str:
    """The canonical JSON text of a value."""
    return _ENCODER.encode(value).decode()


def to_value(document: Any) -> Value | None:
    """The value of a jsonb column as the driver returns it; None for NULL."""
    return None if document is None else msgspec.convert((document,), _Document).value


def read_value(document: Any) -> Value:
    """The value of a jsonb column that is never NULL, as the driver returns it."""
    return msgspec.convert((document,), _Document).value


def write_plainly(value: Value) -> str:  # noqa: C901, PLR0911, PLR0912 - one case per type
    """The value as one line of text, as exact as it is stored: for messages, not for pages."""
    match value:
        case MoneyValue(amount=amount, currency=currency):
            return f"{amount} {currency}"
        case QuantityValue(amount=amount, unit=unit) | MeasureValue(amount=amount, unit=unit):
            return amount if unit == PIECE else f"{amount} {unit}"
        case TextValue(text=text):
            return text
        case EnumerationValue(code=code):
            return code
        case BooleanValue(value=yes):
            return "yes" if yes else "no"
        case DateValue(date=day):
            return day.isoformat()
        case TimestampValue(at=at):
            return at.isoformat()
        case IdentifierValue(value=text):
            return text
        case ReferenceValue(record_type=kind, record_key=key):
            return f"{kind} {key}"
        case MediaValue(url=url):
            return url
        case ListValue(items=items):
            return ", ".join(map(write_plainly, items))
        case HiddenValue():
            return "hidden"
        case OrderValue(currency=currency, lines=lines):
            text = f"{len(lines)} lines, {canonical_amount(value.total)} {currency}"
            return "cancelled" if value.is_cancelled else text


def _check_measured(value: QuantityValue | MeasureValue) -> None:
    if value.unit != PIECE:
        _match(_UNIT, value.unit, problems.NOT_A_UNIT)
    if not is_canonical_amount(value.amount):
        normalise_amount(value, "amount")


def _match(pattern: re.Pattern[str], text: str, otherwise: ProblemType) -> None:
    if not pattern.fullmatch(text):
        raise InvalidValue(otherwise, text=quote(text))
