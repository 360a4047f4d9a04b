"""Validity of prices: future prices can be set, past ones cannot be changed."""

import itertools
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from billing.errors import PastIsFixed, PriceNotAllowed
from billing.price_books.pricing import Terms
from billing.price_books.repository import NewPrice, NewPriceBook, PriceRow, create_price_book, list_prices, set_price
from billing.pricing.tiers import PriceTier
from billing.sides import Side
from foundation.database.engine import Database
from foundation.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound
from foundation.ids import new_id
from foundation.scope import Scope
from tests.billing.conftest import METER, START, Market
from tests.conftest import make_scope


async def _prices(market: Market) -> list[PriceRow]:
    async with market.as_staff() as session:
        return list((await list_prices(session)).items)


@pytest.mark.parametrize("hidden", ["\x01", "\u202e", "\ufffe", "\uffff", "\n"])
async def test_a_price_has_no_hidden_characters_on_the_invoice(market: Market, hidden: str) -> None:
    book_id = await market.open_book(Side.RETAIL)
    price = NewPrice(METER, f"Updates{hidden}", Terms(Decimal(1)), START)
    with pytest.raises(InvalidInput):
        async with market.as_msp_account() as session:
            await set_price(session, book_id, price=price, now=START, new_id=new_id)
    assert await _prices(market) == []


async def test_a_new_price_ends_the_one_in_force_and_changes_nothing_else(market: Market) -> None:
    await market.open_book(Side.RETAIL)
    await market.price(Side.RETAIL, "0.10", included=5)
    (before,) = await _prices(market)
    change = START + timedelta(days=9)
    await market.price(Side.RETAIL, "0.20", at=change)
    first, second = await _prices(market)
    assert (first.id, first.terms, first.valid_from) == (before.id, before.terms, before.valid_from)
    assert (first.valid_to, second.valid_from, second.valid_to) == (change, change, None)


async def test_a_price_between_two_ends_where_the_later_one_begins(market: Market) -> None:
    await market.open_book(Side.RETAIL)
    days = [START + timedelta(days=day) for day in (0, 20, 10)]
    for day in days:
        await market.price(Side.RETAIL, "1", at=day)
    assert [(row.valid_from, row.valid_to) for row in await _prices(market)] == [
        (days[0], days[2]),
        (days[2], days[1]),
        (days[1], None),
    ]


async def test_the_past_of_a_price_in_force_is_fixed(market: Market) -> None:
    await market.open_book(Side.RETAIL)
    await market.price(Side.RETAIL, "1")
    market.now = START + timedelta(days=2)
    with pytest.raises(PastIsFixed):
        await market.price(Side.RETAIL, "2", at=START + timedelta(days=1))
    with pytest.raises(PastIsFixed):
        await market.price(Side.RETAIL, "2", at=START)
    future = START + timedelta(days=5)
    await market.price(Side.RETAIL, "2", at=future)
    with pytest.raises(PastIsFixed):
        await market.price(Side.RETAIL, "3", at=future)
    assert len(await _prices(market)) == 2


@given(st.lists(st.tuples(st.integers(-5, 15), st.integers(0, 3)), min_size=1, max_size=8))
@settings(max_examples=15)
async def test_validities_never_overlap(db: Database, steps: list[tuple[int, int]]) -> None:
    msp_id = new_id()
    market = Market(db, make_scope(msp_id=msp_id, tenant_id=msp_id), make_scope(msp_id=msp_id))
    await market.open_book(Side.RETAIL)
    for day, passed in steps:
        market.now += timedelta(days=passed)
        try:
            await market.price(Side.RETAIL, "1", at=START + timedelta(days=day))
        except PastIsFixed:
            continue
    rows = await _prices(market)
    assert rows
    for one, following in itertools.pairwise(rows):
        assert one.valid_to is not None
        assert one.valid_from < one.valid_to <= following.valid_from


async def test_tiers_are_stored_and_the_first_is_the_unit_price(market: Market) -> None:
    await market.open_book(Side.WHOLESALE)
    tiers = (PriceTier(Decimal(100), Decimal("0.5")), PriceTier(None, Decimal("0.25")))
    await market.price(Side.WHOLESALE, "9", tiers=tiers)
    (row,) = await _prices(market)
    assert row.terms == Terms(Decimal("0.5"), tiers=tiers)


async def test_one_book_per_side_and_one_more_per_client(market: Market) -> None:
    await market.open_book(Side.RETAIL)
    await market.open_book(Side.RETAIL, own=True)
    for own in (False, True):
        with pytest.raises(Conflict):
            await market.open_book(Side.RETAIL, own=own)


async def test_invalid_books_are_refused(market: Market) -> None:
    books = [
        NewPriceBook(side=Side.RETAIL, currency="euro", name="x"),
        NewPriceBook(side=Side.RETAIL, currency="ZZZ", name="x"),  # an unknown currency
        NewPriceBook(side=Side.RETAIL, currency="XAU", name="x"),
        NewPriceBook(side=Side.WHOLESALE, currency="EUR", name="x", client_id=new_id()),
    ]
    for book in books:
        async with market.as_msp_account() as session:
            with pytest.raises(PriceNotAllowed):
                await create_price_book(session, book, now=market.now, new_id=new_id)


async def test_prices_are_stored_and_only_the_msp_reads_them(market: Market, db: Database) -> None:
    book_id = await market.open_book(Side.RETAIL)
    price = NewPrice(meter=METER, description="x", terms=Terms(Decimal(1)), valid_from=START)
    stranger_id = new_id()
    refusals: list[tuple[Scope, type[DomainError]]] = [
        (market.client, Forbidden),
        (market.msp_account.for_fleet(), Forbidden),
        (make_scope(msp_id=stranger_id, tenant_id=stranger_id), NotFound),
    ]
    for scope, refusal in refusals:
        async with db.transaction(scope) as session:
            with pytest.raises(refusal):
                await set_price(session, book_id, price=price, now=START, new_id=new_id)
    async with market.as_client() as session:
        with pytest.raises(Forbidden):
            await list_prices(session)


async def test_setting_a_price_is_audited(market: Market) -> None:
    await market.open_book(Side.RETAIL)
    await market.price(Side.RETAIL, "0.10")
    async with market.as_msp_account() as session:
        actions = await session.scalars(text("SELECT action FROM audit_entry ORDER BY seq"))
        assert actions.all() == ["price_book.created", "price.set"]
