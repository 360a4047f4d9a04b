"""Facts of typed values: exact for amounts of any precision, and general facts for every element."""

from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.dimensions import dimension
from canonical.elements import PRICE
from canonical.values import BooleanValue, EnumerationValue, Value, minor_money, money, quantity
from policy.facts import larger_month_change, price_facts, stock_facts, value_facts
from tests.support.values import eur, minor, pieces, plain, usd

amounts = st.decimals(min_value=1, max_value=10**20, places=6, allow_nan=False)


@given(amounts, amounts)
def test_the_size_of_a_change_is_exact_and_rounded_up(old: Decimal, new: Decimal) -> None:
    facts = price_facts(money(old, "EUR"), money(new, "EUR"), None)
    assert facts["old_minor"] == Fraction(old) * 100
    assert facts["new_minor"] == Fraction(new) * 100
    assert facts["change_bp"] == ceil(abs(Fraction(new) - Fraction(old)) * 10_000 / Fraction(old))
    assert type(facts["change_bp"]) is int


def test_whole_minor_units_are_integers_in_every_currency() -> None:
    for amount, currency, expected in (("19.99", "USD", 1999), ("500", "JPY", 500), ("1.005", "KWD", 1005)):
        new = price_facts(None, money(amount, currency), None)["new_minor"]
        assert (new, type(new)) == (expected, int)
    assert price_facts(None, eur("0.001234"), None)["new_minor"] == Fraction(617, 5000)


def test_a_cost_in_another_currency_is_not_known() -> None:
    known, foreign = price_facts(None, eur("2"), eur("1")), price_facts(None, eur("2"), usd("1"))
    assert (known["cost_known"], known["cost_minor"]) == (1, 100)
    assert (foreign["cost_known"], foreign["cost_minor"]) == (0, 0)


def test_quantities_in_different_units_are_not_subtracted() -> None:
    facts = value_facts("stock.on_hand", "", quantity("5", "KGM"), pieces(9), None)
    assert (facts["new_quantity"], "change_quantity" in facts) == (9, False)
    assert stock_facts(quantity("2.5"), quantity("4"))["change_quantity"] == Fraction(3, 2)


@pytest.mark.parametrize(
    ("element", "old", "new", "expected"),
    [
        ("product.description", None, plain("abc"), {"domain": "product", "value_type": "text", "text_length": 3,
                                                     "changed": 1}),
        ("identifier.gtin", BooleanValue(value=True), BooleanValue(value=True), {"domain": "product", "changed": 0}),
        ("custom.grade", None, EnumerationValue("a"), {"domain": "custom", "value_type": "enumeration"}),
        ("price.list", minor(1), minor(2), {"domain": "price", "value_type": "money", "changed": 1}),
    ],
    ids=["text", "unchanged", "custom", "price"],
)  # fmt: skip
def test_every_element_has_general_facts(
    element: str, old: Value | None, new: Value, expected: dict[str, object]
) -> None:
    facts = value_facts(element, dimension(locale="de", location="Berlin"), old, new, None)
    assert facts.items() >= ({**expected, "dim_locale": "de", "dim_location": "Berlin"}).items()


def test_many_small_changes_are_compared_with_the_start_of_the_month() -> None:
    start, old, new = (minor_money(each, "EUR") for each in (10_000, 10_800, 11_200))
    facts = value_facts(PRICE, "", old, new, None, start)
    assert (facts["change_bp"], facts["month_change_bp"]) == (371, 1200)
    assert value_facts(PRICE, "", old, new, None)["month_change_bp"] == 371
    assert "month_change_bp" not in value_facts(PRICE, "", None, new, None)
    assert "month_change_bp" not in value_facts(PRICE, "", old, new, None, minor_money(10_000, "USD"))


def test_the_larger_change_counts_where_a_channel_has_another_value() -> None:
    approved, shown, new = (minor_money(each, "EUR") for each in (15_000, 10_000, 15_100))
    facts = value_facts(PRICE, "", shown, new, None, approved)
    assert facts["month_change_bp"] == 67
    assert larger_month_change(facts) == {"month_change_bp": 5100}
    assert larger_month_change({}) == {}
