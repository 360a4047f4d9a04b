"""Typed values: equal values have one JSON text, however they were constructed; all else is refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from canonical.amounts import MAX_INTEGER_DIGITS, MAX_PLACES, canonical_amount
from canonical.currencies import DIGITS
from canonical.identifiers import gtin_check_digit
from canonical.money import InexactAmount
from canonical.values import (
    VALUE_TYPES,
    BooleanValue,
    DateValue,
    EnumerationValue,
    IdentifierValue,
    ListValue,
    MeasureValue,
    MediaValue,
    MoneyValue,
    QuantityValue,
    ReferenceValue,
    TextValue,
    TimestampValue,
    Value,
    minor_money,
    money,
    quantity,
    to_value,
    type_of,
    value_json,
    write_plainly,
)

numbers = st.integers(-(10**38) + 1, 10**38 - 1).map(lambda n: Decimal(f"{n}e-{MAX_PLACES}"))
currencies = st.sampled_from(sorted(DIGITS))
units = st.sampled_from(["H87", "KGM", "MTR", "LTR", "C62"])
instants = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=9, minutes=30))]),
)


@st.composite
def gtins(draw: st.DrawFn) -> IdentifierValue:
    length = draw(st.sampled_from([8, 12, 13, 14]))
    digits = draw(st.text("0123456789", min_size=length - 1, max_size=length - 1))
    return IdentifierValue("gtin", digits + gtin_check_digit(digits))


scalars: st.SearchStrategy[Any] = st.one_of(
    st.builds(money, numbers, currencies),
    st.builds(quantity, numbers, units),
    st.builds(lambda number, unit: MeasureValue(str(number), unit), numbers, units),
    st.builds(TextValue, st.text(max_size=200), st.sampled_from(["plain", "html"])),
    st.sampled_from(["active", "draft"]).map(EnumerationValue),
    st.booleans().map(BooleanValue),
    st.dates().map(DateValue),
    instants.map(TimestampValue),
    gtins(),
    st.from_regex(r"[0-9]{6}([0-9]{2}){0,2}", fullmatch=True).map(lambda code: IdentifierValue("hs", code)),
    st.builds(ReferenceValue, st.just("customer"), st.text(min_size=1, max_size=20)),
    st.builds(MediaValue, st.just("https://cdn.example/a.png"), st.just("image/png"), st.just("0" * 64)),
)
values = scalars | st.lists(scalars, max_size=4).map(lambda items: ListValue(tuple(items)))


def _has_content(value: Value) -> bool:
    """Whether the value has displayable content: not so an empty text, an empty list, and a list of one empty text."""
    match value:
        case TextValue(text=text):
            return text != ""
        case ListValue(items=items):
            return len(items) > 1 or any(map(_has_content, items))
    return True


@example(ListValue((TextValue(""),)))
@given(values)
def test_every_value_round_trips_through_json(value: Value) -> None:
    text = value_json(value)
    assert to_value(msgspec.json.decode(text)) == value
    assert value_json(to_value(msgspec.json.decode(text)) or value) == text
    assert type_of(value) in VALUE_TYPES
    assert write_plainly(value) or not _has_content(value)


@given(values, values)
def test_equal_values_have_equal_json_and_others_have_not(one: Value, other: Value) -> None:
    assert (one == other) is (value_json(one) == value_json(other))
    if one == other:
        assert hash(one) == hash(other)


@given(numbers, st.integers(0, 6))
def test_an_amount_has_one_text_however_it_is_written(number: Decimal, zeros: int) -> None:
    text = canonical_amount(number)
    assert Decimal(text) == number
    assert "E" not in text
    padded = f"{text}{'' if '.' in text else '.'}{'0' * zeros}" if zeros else text
    for written in (padded, f"{number:E}", f"+{text}" if number > 0 else text):
        assert canonical_amount(written) == text
        assert money(written, "EUR") == MoneyValue(written, "EUR") == MoneyValue(text, "EUR")


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (1999, "USD", "19.99"), (5, "USD", "0.05"), (-5, "USD", "-0.05"), (1000, "USD", "10"), (0, "USD", "0"),
        (500, "JPY", "500"), (1005, "KWD", "1.005"), (250, "CLF", "0.025"), (2**63 - 1, "EUR", "92233720368547758.07"),
        (7, "HRK", "0.07"),
    ],
)  # fmt: skip
def test_minor_units_become_major_ones_by_the_currencys_digits(minor: int, currency: str, amount: str) -> None:
    value = minor_money(minor, currency)
    assert (value.amount, value.minor) == (amount, minor)


def test_a_price_finer_than_the_smallest_coin_is_money_without_minor_units() -> None:
    value = money("0.001234", "EUR")
    assert (value.amount, value.minor, value.number) == ("0.001234", None, Decimal("0.001234"))


@pytest.mark.parametrize(
    "amount", ["NaN", "Infinity", "1e400", "1e-13", "0.0000000000001", "1" + "0" * MAX_INTEGER_DIGITS, "1_000", "1,5",
               "", " 1", "\uff11", "0x10", "1" * 5000],
)  # fmt: skip
def test_inexact_amounts_are_refused(amount: str) -> None:
    with pytest.raises(InexactAmount):
        canonical_amount(amount)


@given(gtins(), st.integers(0, 13), st.integers(1, 9))
def test_a_gtin_with_one_wrong_digit_is_invalid(known: IdentifierValue, place: int, more: int) -> None:
    place %= len(known.value)
    wrong = known.value[:place] + str((int(known.value[place]) + more) % 10) + known.value[place + 1 :]
    with pytest.raises(ValueError, match="check digit"):
        IdentifierValue("gtin", wrong)


@pytest.mark.parametrize(
    "document",
    [
        {"type": "money", "amount": "1", "currency": "XXX"}, {"type": "money", "amount": 1, "currency": "EUR"},
        {"type": "money", "amount": "1"}, {"type": "quantity", "amount": "1", "unit": "pieces"},
        {"type": "text", "text": "a" * 65_537}, {"type": "text", "text": "a", "format": "markdown"},
        {"type": "enumeration", "code": "a b"}, {"type": "boolean", "value": 1}, {"type": "date", "date": "2026-02-30"},
        {"type": "timestamp", "at": "2026-01-01T00:00:00"},
        {"type": "timestamp", "at": "0001-01-01T00:00:00+14:00"},
        {"type": "identifier", "scheme": "gtin", "value": "4006381333932"},
        {"type": "identifier", "scheme": "isbn", "value": "1"},
        {"type": "identifier", "scheme": "hs", "value": "12345"},
        {"type": "reference", "record_type": "Customer", "record_key": "1"},
        {"type": "media", "url": "javascript:1", "media_type": "image/png", "sha256": "0" * 64},
        {"type": "list", "items": [{"type": "list", "items": []}]}, {"type": "price"}, {"amount": "1"}, [], "1",
    ],
    ids=str,
)  # fmt: skip
def test_invalid_stored_values_are_refused_when_read(document: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        to_value(document)


def test_equal_instants_are_equal_values() -> None:
    there = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert TimestampValue(there) == TimestampValue(datetime(2026, 1, 1, 10, tzinfo=UTC))
    assert value_json(TimestampValue(there)) == '{"type":"timestamp","at":"2026-01-01T10:00:00Z"}'


def test_values_have_readable_json() -> None:
    assert write_plainly(QuantityValue("5")) == "5"
    assert write_plainly(QuantityValue("5", "KGM")) == "5 KGM"
    assert write_plainly(DateValue(date(2026, 1, 2))) == "2026-01-02"
    assert write_plainly(ListValue((BooleanValue(value=True), EnumerationValue("a")))) == "yes, a"
