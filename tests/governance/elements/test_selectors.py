"""Selectors of contracts: parsing, overlaps, and equality of the Python and SQL forms."""

from collections.abc import Iterator
from itertools import product
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonical.dimensions import dimension, dimension_of
from canonical.elements import PRICE, STOCK
from canonical.keys import ElementKey
from foundation.errors import InvalidInput
from governance.elements.contracts import Contracts
from governance.elements.rows import Contract
from governance.elements.selection import is_contract_of, join_selecting
from governance.elements.selectors import check_overlap, parse_selector, selects
from tests.conftest import Urls

ONE, OTHER = UUID(int=1), UUID(int=2)
TEXTS = st.text("A*", max_size=2) | st.text(st.sampled_from("AaWH-*%_\\ =,ß雪"), max_size=4)
LOCATIONS = ("Berlin", "Lyon", "Lager Nord", "a,b=c", "100%")
KEYS = st.builds(
    ElementKey,
    TEXTS.map("K".__add__),
    st.sampled_from([STOCK, PRICE]),
    st.builds(
        dimension_of,
        st.dictionaries(st.just("location"), st.sampled_from(LOCATIONS)) | st.fixed_dictionaries({
            "currency": st.sampled_from(["EUR", "USD"]), "price_list": st.sampled_from(["retail", "EUR"]),
        }),
    ),
)  # fmt: skip
SELECTORS = st.one_of(
    st.just(""),
    TEXTS.map(lambda prefix: f"record_key=K{prefix}*"),
    st.sampled_from([f"location={each}" for each in LOCATIONS] + ["currency=EUR", "price_list=EUR"]),
)


def contract(selector: str, element: str = STOCK, source: UUID = ONE) -> Contract:
    return Contract(element, source, 30_000, 60_000, 3600, selector=selector)


@st.composite
def published(draw: st.DrawFn) -> list[Contract]:
    """Contracts of two elements that can be published one after the other."""
    made: dict[tuple[str, str], Contract] = {}
    for element, written in draw(st.lists(st.tuples(st.sampled_from([STOCK, PRICE]), SELECTORS), max_size=8)):
        selector = parse_selector(written)
        try:
            check_overlap(selector, [each.selector for each in made.values() if each.element == element])
        except InvalidInput:
            continue
        made[element, selector] = contract(selector, element)
    return list(made.values())


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("", ""),
        ("  ", ""),
        ("record_key=WH-*", "record_key=WH-*"),
        (" record_key = WH-* ", "record_key=WH-*"),
        ("record_key=A*B*", "record_key=A*B*"),
        ("record_key=a=b*", "record_key=a=b*"),
        ("location=Berlin", "location=Berlin"),
        ("location=Lager Nord", "location=Lager%20Nord"),
        ("location=Lager%20Nord", "location=Lager%20Nord"),
        ("location=a,b", "location=a%2Cb"),
        ("currency=EUR", "currency=EUR"),
    ],
)
def test_a_selector_has_one_text_however_it_is_written(written: str, canonical: str) -> None:
    assert parse_selector(written) == canonical
    assert parse_selector(canonical) == canonical


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("WH-*", "record_key=WH-*"),
        ("record_key=", "not a valid selector"),
        ("record_key=WH-", "End the prefix of the keys with *"),
        ("record_key=*", "every record"),
        ("record_key=\x00*", "not a valid selector"),
        ("record_key=\ud800*", "not a valid selector"),
        (f"record_key={'x' * 500}*", "at most 500"),
        ("brand=Acme", "not divided by 'brand'"),
        ("currency=EURO", "a value of the dimension currency"),
        ("location=" + "x" * 101, "a value of the dimension location"),
    ],
)
def test_an_invalid_selector_is_refused_with_a_remedy(written: str, expected: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_selector(written)
    assert expected in str(refused.value)


def test_only_a_dimension_of_the_element_selects() -> None:
    assert parse_selector("location=Berlin", dimensions=["location"]) == "location=Berlin"
    with pytest.raises(InvalidInput, match="They are divided by: currency"):
        parse_selector("location=Berlin", dimensions=["currency"])
    with pytest.raises(InvalidInput, match="not divided by"):
        parse_selector("location=Berlin", dimensions=[])


@given(st.lists(SELECTORS.map(parse_selector), max_size=4), KEYS)
def test_overlapping_selectors_are_exactly_those_that_are_refused(selectors: list[str], key: ElementKey) -> None:
    """Contracts that were accepted one after the other never assign two owners to one value."""
    taken: list[str] = []
    for selector in selectors:
        try:
            check_overlap(selector, taken)
        except InvalidInput:
            continue
        taken.append(selector)
    chosen = {selector for selector in taken if selector and selects(selector, key)}
    assert len(chosen) <= 1


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("record_key=WH-*", "record_key=WH-1*", True),
        ("record_key=WH-1*", "record_key=WH-2*", False),
        ("record_key=WH-*", "location=Berlin", True),
        ("location=Berlin", "location=Lyon", False),
        ("currency=EUR", "price_list=retail", True),
        ("", "record_key=WH-*", False),
        ("record_key=WH-*", "record_key=WH-*", False),  # published again
    ],
)
def test_two_selectors_overlap_either_way_round(one: str, other: str, overlap: bool) -> None:  # noqa: FBT001
    for first, second in ((one, other), (other, one)):
        if overlap:
            with pytest.raises(InvalidInput, match="would match both"):
                check_overlap(first, [second])
        else:
            check_overlap(first, [second])


def test_the_default_contract_applies_to_all_others() -> None:
    contracts = Contracts([contract(""), contract("record_key=WH-*", source=OTHER), contract("", PRICE)])
    found = {
        (record, element): contracts.get(ElementKey(record, element)).source_connection_id
        for record, element in product(("WH-1", "SKU-1"), (STOCK, PRICE))
    }
    assert found == {("WH-1", STOCK): OTHER, ("SKU-1", STOCK): ONE, ("WH-1", PRICE): ONE, ("SKU-1", PRICE): ONE}
    assert contracts.find(ElementKey("WH-1", "price.sale")) is None
    with pytest.raises(LookupError, match=r"WH-1:price\.sale"):
        contracts.get(ElementKey("WH-1", "price.sale"))


def test_without_a_default_contract_unselected_values_have_no_owner() -> None:
    contracts = Contracts([contract("location=Berlin")])
    assert contracts.find(ElementKey("A", STOCK, dimension(location="Berlin"))) is not None
    assert contracts.find(ElementKey("A", STOCK)) is None
    assert contracts.has(STOCK)
    assert not contracts.has(PRICE)


def test_a_source_of_some_records_is_no_source_of_the_others() -> None:
    contracts = Contracts([contract(""), contract("record_key=WH-*", source=OTHER)])
    assert [contracts.is_source(OTHER, ElementKey(each, PRICE)) for each in ("WH-1", "SKU-1")] == [True, False]
    assert [contracts.is_source(ONE, ElementKey(each, PRICE)) for each in ("WH-1", "SKU-1")] == [False, True]


@pytest.fixture(scope="module")
def sql(urls: Urls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        yield connection


_WITH = """
    WITH element_contract (tenant_id, element, selector) AS (
        SELECT 1, c.element, c.selector FROM unnest(%(contracts)s::text[], %(selectors)s::text[]) c (element, selector)
    ), v (tenant_id, place, record_key, element, dimension) AS (
        SELECT 1, r.place, r.record_key, r.element, r.dimension
          FROM unnest(%(keys)s::text[], %(elements)s::text[], %(dimensions)s::text[]) WITH ORDINALITY
            AS r (record_key, element, dimension, place))
"""
_ONE_OF = f"""{_WITH} SELECT k.selector FROM v
    LEFT JOIN element_contract k ON k.tenant_id = v.tenant_id AND {is_contract_of("k", "v")} ORDER BY v.place"""
_JOINED = f"{_WITH} SELECT coalesce(own.selector, '') FROM v {join_selecting('v')} ORDER BY v.place".replace(
    " :t ", " 1 "
)


@settings(max_examples=50)
@given(contracts=published(), keys=st.lists(KEYS, min_size=1, max_size=16))
def test_python_and_sql_select_the_same_contract(
    sql: psycopg.Connection[Any], contracts: list[Contract], keys: list[ElementKey]
) -> None:
    known = Contracts(contracts)
    expected = [None if (found := known.find(key)) is None else found.selector for key in keys]
    binds = {
        "contracts": [each.element for each in contracts], "selectors": [each.selector for each in contracts],
        "keys": [key.record_key for key in keys], "elements": [key.element for key in keys],
        "dimensions": [key.dimension for key in keys],
    }  # fmt: skip
    assert [row[0] for row in sql.execute(_ONE_OF, binds)] == expected
    assert [row[0] for row in sql.execute(_JOINED, binds)] == [selector or "" for selector in expected]
