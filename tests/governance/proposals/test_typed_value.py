"""Typed values in the formats of every language, and invalid texts."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.elements import ELEMENTS, PRICE, STOCK
from canonical.values import BooleanValue, DateValue, EnumerationValue, MeasureValue, TextValue, Value, money, quantity
from foundation.errors import InvalidInput
from foundation.i18n.localizer import Localizer
from governance.proposals.typed_value import TYPED, read_number, read_typed

ENGLISH, GERMAN = Localizer("en"), Localizer("de")


@pytest.mark.parametrize(
    ("typed", "localizer", "number"),
    [
        ("19.99", ENGLISH, "19.99"), ("19,99", ENGLISH, "19.99"), ("19,99", GERMAN, "19.99"),
        ("19.99", GERMAN, "19.99"), ("1,234", ENGLISH, "1234"), ("1.234", GERMAN, "1234"), ("1.234", ENGLISH, "1.234"),
        ("1,234", GERMAN, "1.234"), ("1,234.50", GERMAN, "1234.50"), ("1.234,50", ENGLISH, "1234.50"),
        ("1.234.567", ENGLISH, "1234567"), ("1 234,5", GERMAN, "1234.5"), ("1'234.50", GERMAN, "1234.50"),
        ("-3", ENGLISH, "-3"), ("0.0250", ENGLISH, "0.0250"),
        ("0,234", ENGLISH, "0.234"), ("0.234", GERMAN, "0.234"), ("-1 234 567,8", GERMAN, "-1234567.8"),
    ],
)  # fmt: skip
def test_numbers_are_read_with_the_separators_of_any_language(typed: str, localizer: Localizer, number: str) -> None:
    assert read_number(typed, localizer) == Decimal(number)


@pytest.mark.parametrize(
    "typed",
    [
        "", "abc", "1,23,4", "1.2.3", "1,234,5", "1,234.567,8", "12 50", "1 2 3", "1'23", "12,34,567.8", "1e5", "NaN",
        "٣", "1.", "9" * 41,
    ],
)  # fmt: skip
def test_no_number_is_guessed(typed: str) -> None:
    with pytest.raises(InvalidInput):
        read_number(typed, ENGLISH)


@given(st.decimals(0, 10**9, places=2), st.sampled_from(["en", "de", "es", "fr"]))
def test_a_number_is_read_as_it_is_shown(number: Decimal, language: str) -> None:
    localizer = Localizer(language)
    assert read_number(localizer.number(number, 2), localizer) == number


@pytest.mark.parametrize(
    ("typed", "currency", "value"),
    [
        ("$19.99", "USD", money("19.99", "USD")), ("US$ 19.99", "USD", money("19.99", "USD")),
        ("19.99 usd", "USD", money("19.99", "USD")), ("19,99 €", "EUR", money("19.99", "EUR")),
        ("1600", "JPY", money("1600", "JPY")), ("19.99 CHF", "", money("19.99", "CHF")),
        ("$19.99", "CAD", money("19.99", "CAD")), ("-$5", "USD", money("-5", "USD")),
    ],
)  # fmt: skip
def test_prices_are_read_as_people_write_them(typed: str, currency: str, value: Value) -> None:
    assert read_typed(ELEMENTS[PRICE], typed, ENGLISH, currency=currency) == value


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        ("€19.99", "USD"), ("19.99 EUR", "USD"), ("19.99", ""), ("19 XXQ", ""), ("19.99-", "USD"), ("$5−", "USD"),
        ("5 K", "SEK"), ("5 F", "CHF"),
    ],
)  # fmt: skip
def test_a_price_is_of_no_other_currency(typed: str, currency: str) -> None:
    with pytest.raises(InvalidInput):
        read_typed(ELEMENTS[PRICE], typed, ENGLISH, currency=currency)


def test_each_type_is_read_or_refused() -> None:
    examples: dict[str, tuple[str, Value]] = {
        STOCK: ("1,234", quantity(1234)), "stock.lead_time": ("1.5 day", MeasureValue("1.5", "DAY")),
        "product.name": ("Anchor", TextValue("Anchor")), "product.status": ("active", EnumerationValue("active")),
        "stock.backorder": ("yes", BooleanValue(True)),
        "product.available_from": ("2026-12-01", DateValue(date(2026, 12, 1))),
    }  # fmt: skip
    for code, (typed, value) in examples.items():
        assert read_typed(ELEMENTS[code], typed, ENGLISH) == value
    for code, wrong in (("stock.lead_time", "5"), ("stock.backorder", "maybe"), ("product.available_from", "tomorrow")):
        with pytest.raises(InvalidInput):
            read_typed(ELEMENTS[code], wrong, ENGLISH)
    for element in ELEMENTS.values():
        if element.value_type not in TYPED:
            with pytest.raises(InvalidInput, match="over the API"):
                read_typed(element, "x", ENGLISH)
