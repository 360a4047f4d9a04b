"""Simulations: the old total equals that of drafts, the new one that of the changed prices; nothing is written."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from billing.errors import PriceNotAllowed
from billing.price_books.books import find_price_book
from billing.price_books.pricing import PriceKind, Terms
from billing.price_books.selection import PriceSelection, select_prices
from billing.pricing.tiers import PriceTier
from billing.sides import Side
from billing.simulation.drafts import changed
from billing.simulation.schemas import PriceDraft, Simulation
from billing.simulation.simulate import simulate
from foundation.database.engine import Database
from foundation.errors import InvalidInput
from foundation.ids import new_id
from tests.billing.conftest import MARCH, METER, START, Market, uses
from tests.conftest import make_scope

OTHER_METER = "copilot.answer"


async def simulated(market: Market, draft: PriceDraft, *, own: bool = False, client: bool = False) -> Simulation:
    async with market.as_staff() as session:
        book = await find_price_book(session, market.books[Side.RETAIL, market.client.tenant_id if own else None])
        return await simulate(
            session, book, draft, period=MARCH, client_id=market.client.tenant_id if client else None,
            now=market.now, new_id=new_id,
        )  # fmt: skip


@pytest.fixture
async def fleet(priced: Market) -> tuple[Market, Market, Market]:
    """Three clients: with the common prices, with a price of its own in mid-month, and billed in another currency."""
    second, third = priced.another_client(), priced.another_client()
    await second.open_book(Side.RETAIL, own=True)
    await second.price(Side.RETAIL, "0.05", at=START + timedelta(days=15), included=3, own=True)
    await third.open_book(Side.RETAIL, "JPY", own=True)
    await third.price(Side.RETAIL, "2", own=True)
    priced.now = START + timedelta(days=20)
    await priced.price(Side.RETAIL, "0.20", at=priced.now)
    for market in (priced, second, third):
        await market.use(*uses(40), *uses(30, at=START + timedelta(days=25), quantity=2))
        await market.use(*uses(7, meter=OTHER_METER))
    return priced, second, third


async def test_the_old_total_is_what_the_drafts_come_to(fleet: tuple[Market, Market, Market]) -> None:
    drafts = [await market.rate(Side.RETAIL) for market in fleet[:2]]
    found = await simulated(fleet[0], PriceDraft({}))
    totals = {one.client_id: one.old_minor for one in found.by_client}
    assert totals == {draft.client_id: draft.total_minor for draft in drafts if draft}
    assert len(totals) == 2
    assert found.old_minor == found.new_minor == sum(totals.values())
    assert (found.clients_left_out, found.unpriced_events) == (1, 14)


async def test_prices_are_selected_completely_or_not_at_all(
    fleet: tuple[Market, Market, Market], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, _ = fleet
    async with first.as_staff() as session:

        async def own_books(**wanted: Any) -> list[tuple[bool, int]]:
            found = await select_prices(session, PriceSelection(**wanted))
            return [(one.client_id is not None, one.valid_from.day) for one in found]

        of_client = {"side": Side.RETAIL, "client_id": second.client.tenant_id}
        assert await own_books(**of_client) == [(False, 1), (False, 21), (True, 16)]
        at = START + timedelta(days=20)
        assert await own_books(**of_client, start=at, end=at) == [(False, 21), (True, 16)], "ends and begins then"
        assert await own_books(**of_client, end=START) == [(False, 1)]
        assert len(await own_books(side=Side.WHOLESALE)) == 1
        assert len(await own_books()) == 5
        monkeypatch.setattr("billing.price_books.selection.MOST_PRICES", 4)
        with pytest.raises(InvalidInput):
            await own_books()
    async with make_other_msp(first).as_staff() as session:
        assert await select_prices(session, PriceSelection()) == []


def make_other_msp(market: Market) -> Market:
    msp_id = new_id()
    return Market(market.db, make_scope(msp_id=msp_id, tenant_id=msp_id), make_scope(msp_id=msp_id))


async def test_a_draft_price_replaces_the_books_own_and_leaves_clients_their_prices(
    fleet: tuple[Market, Market, Market],
) -> None:
    flat = Terms(Decimal(40), kind=PriceKind.FLAT)
    volume = Terms(Decimal(0), tiers=(PriceTier(None, Decimal("0.01"), Decimal(1)),), kind=PriceKind.VOLUME)
    found = await simulated(fleet[0], PriceDraft({METER: flat, OTHER_METER: volume}))
    by_client = {one.client_id: one for one in found.by_client}
    assert by_client[fleet[0].client.tenant_id].new_minor == 4000 + 107
    # The second client's own price applies from the 16th: 60 of 100 units, after 40 at the draft's fee.
    assert by_client[fleet[1].client.tenant_id].new_minor == 4000 + 300 + 107
    assert {one.meter: (one.quantity, one.new_minor) for one in found.by_meter} == {
        METER: (Decimal(200), 8300), OTHER_METER: (Decimal(14), 214),
    }  # fmt: skip
    assert found.unpriced_events == 0
    assert found.difference == found.new_minor - found.old_minor


async def test_one_clients_book_is_simulated_for_it_alone(fleet: tuple[Market, Market, Market]) -> None:
    found = await simulated(fleet[1], PriceDraft({METER: Terms(Decimal(1))}), own=True)
    assert [(one.client_id, one.new_minor) for one in found.by_client] == [(fleet[1].client.tenant_id, 10_000)]
    alone = await simulated(fleet[0], PriceDraft({}), client=True)
    assert [one.client_id for one in alone.by_client] == [fleet[0].client.tenant_id]


async def test_all_prices_change_by_a_percentage(priced: Market) -> None:
    await priced.use(*uses(25))
    found = await simulated(priced, PriceDraft({}, Decimal(-50)))
    assert (found.old_minor, found.new_minor, found.change) == (200, 100, -0.5)
    terms = Terms(Decimal(3), minimum=Decimal(10), tiers=(PriceTier(None, Decimal(3), Decimal(1)),))
    raised = changed(terms, Decimal(10))
    assert [raised.minimum, raised.tiers[0].unit_price, raised.tiers[0].flat] == [11, Decimal("3.3"), Decimal("1.1")]


async def test_a_simulation_writes_nothing_and_reads_its_msp_alone(priced: Market, db: Database) -> None:
    await priced.use(*uses(25))
    msp_id = new_id()
    stranger = Market(db, make_scope(msp_id=msp_id, tenant_id=msp_id), make_scope(msp_id=msp_id))
    await stranger.open_book(Side.RETAIL)
    found = await simulated(stranger, PriceDraft({METER: Terms(Decimal(1))}))
    assert (found.by_client, found.new_minor, found.clients_left_out) == ([], 0, 0)
    with pytest.raises(PriceNotAllowed):
        await simulated(priced, PriceDraft({METER: Terms(Decimal(-1))}))
    assert (await simulated(priced, PriceDraft({METER: Terms(Decimal(1))}))).new_minor == 2500
    async with priced.as_client() as session:
        assert await session.scalar(text("SELECT count(*) FROM invoice")) == 0
    async with priced.as_staff() as session:
        assert await session.scalar(text("SELECT count(*) FROM price")) == 2
