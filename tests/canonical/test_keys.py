"""Keys and dimensions have one canonical text each, so that equal texts mean equal keys."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.dimensions import (
    LABELS,
    InvalidDimension,
    dimension_of,
    parse_dimension,
    part_of,
)
from canonical.elements import ELEMENTS, REFERENCE_ELEMENTS
from canonical.keys import ElementKey
from canonical.values import VALUE_TYPES

names = st.text(min_size=1, max_size=20).filter(lambda text: text == text.strip() and text.isprintable())
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "price_list": names, "customer_group": names, "location": names,
    "currency": st.sampled_from(["EUR", "USD", "JPY"]), "min_quantity": st.sampled_from(["1", "2.5", "100"]),
    "valid_from": st.dates().map(str), "valid_to": st.dates().map(str),
    "locale": st.sampled_from(["de", "en-GB", "zh-Hans-CN", "es-419"]),
}  # fmt: skip
dimensions = st.fixed_dictionaries({}, optional=PARTS)
keys = st.builds(
    ElementKey, st.text(min_size=1, max_size=12), st.sampled_from(sorted(ELEMENTS)), dimensions.map(dimension_of),
    st.sampled_from(["product", "customer"]),
)  # fmt: skip


@given(dimensions, dimensions)
def test_a_dimension_round_trips_through_its_text(one: dict[str, str], other: dict[str, str]) -> None:
    text = dimension_of(one)
    assert dict(parse_dimension(text)) == one
    assert (text == dimension_of(other)) is (one == other)
    assert all(part_of(text, name) == one.get(name, "") for name in LABELS)


@pytest.mark.parametrize(
    "text",
    ["currency", "currency=", "currency=eur", "currency=XXX", "colour=red", "price_list=b,currency=EUR",
     "currency=EUR,", "currency=EUR,currency=EUR", "price_list=a%2cb", "price_list= a", "locale=DE",
     "locale=german", "min_quantity=1.0",
     "min_quantity=-1", "valid_from=2026-1-1", "price_list=a\x00", "x" * 600],
)  # fmt: skip
def test_any_other_text_is_no_dimension(text: str) -> None:
    with pytest.raises(InvalidDimension):
        parse_dimension(text)


@given(keys, keys, st.sampled_from("|:"))
def test_no_two_keys_share_a_text(one: ElementKey, other: ElementKey, separator: str) -> None:
    assert (one.joined(separator) == other.joined(separator)) is (one == other)


def test_a_key_without_dimension_keeps_its_former_text() -> None:
    assert ElementKey("SKU-1", "price.list").joined("|") == "SKU-1|price.list"


def test_declarations_of_elements_are_complete() -> None:
    assert {each.value_type for each in ELEMENTS.values()} <= {*VALUE_TYPES}
    assert all(set(each.dimensions) <= LABELS.keys() for each in ELEMENTS.values())
    assert all(each.policy_reference in REFERENCE_ELEMENTS for each in ELEMENTS.values() if each.policy_reference)
    assert len({each.label for each in ELEMENTS.values()}) == len(ELEMENTS)
    assert {each.domain for each in ELEMENTS.values()} == {
        "price", "stock", "product", "customer", "reseller", "order", "policy",
    }  # fmt: skip
