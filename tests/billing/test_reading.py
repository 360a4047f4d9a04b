"""Invoices, lines and margins by reader: the client sees retail only, the MSP's staff both sides."""

from datetime import timedelta

import pytest

from billing.invoices.advance import advance_invoices
from billing.invoices.draft import DraftInvoice, draft_wholesale
from billing.invoices.repository import list_margins, load_invoice, load_line, load_sibling_invoice
from billing.sides import Side
from billing.tiles import TILES
from foundation.dashboard_tiles import TileReader
from foundation.errors import Forbidden, NotFound
from foundation.ids import new_id
from foundation.scope import Scope
from tests.billing.conftest import APRIL, MARCH, METER, START, Market, events_of, listed, uses
from tests.conftest import make_scope


@pytest.fixture
async def drafts(priced: Market) -> dict[Side, DraftInvoice]:
    """Two clients' March: the drafts of the first, and the MSP's complete wholesale draft."""
    neighbour = priced.another_client()
    await priced.use(*uses(12))
    await neighbour.use(*uses(3))
    made: dict[Side, DraftInvoice] = {}
    for side in Side:
        await neighbour.rate(side)
        draft = await priced.rate(side)
        assert draft is not None
        made[side] = draft
    async with priced.as_msp_account() as session:
        assert await draft_wholesale(session, period=MARCH, now=priced.now)
    return made


async def test_a_client_lists_its_retail_invoices_only(priced: Market, drafts: dict[Side, DraftInvoice]) -> None:
    async with priced.as_client() as session:
        assert [invoice.id for invoice in await listed(session)] == [drafts[Side.RETAIL].id]
        assert await listed(session, side=Side.WHOLESALE) == []


@pytest.mark.usefixtures("drafts")
async def test_staff_list_the_wholesale_whole_and_every_clients_retail(priced: Market) -> None:
    async with priced.as_staff() as session:
        found = await listed(session)
        assert [invoice.side for invoice in found] == [Side.WHOLESALE, Side.RETAIL, Side.RETAIL]
        assert found[0].client_id == priced.msp_account.msp_id
        assert found[0].total_minor == 45
        assert len(await listed(session, side=Side.RETAIL)) == 2
        assert await listed(session, status="finalised") == []
        assert len(await listed(session, status="open")) == 3


async def test_the_tile_counts_drafts_whose_month_is_over(priced: Market, drafts: dict[Side, DraftInvoice]) -> None:
    async with priced.as_client() as session:
        await advance_invoices(session, MARCH.end, new_id=new_id)
        reader = TileReader(session, MARCH.end)
        assert [(await tile.load(reader)).value for tile in TILES[:2]] == [1, 1]
        assert [one.id for one in await listed(session, status="open")] == [drafts[Side.RETAIL].id]


async def test_pages_of_a_line_list_every_event_id_once(priced: Market, drafts: dict[Side, DraftInvoice]) -> None:
    more = uses(10, at=START + timedelta(days=3))
    await priced.use(*more)
    await priced.rate(Side.RETAIL)
    async with priced.as_client() as session:
        (line,) = (await load_invoice(session, drafts[Side.RETAIL].id)).lines
        seen, after, pages = [], "", 0
        while pages == 0 or after:
            page = await events_of(session, line.id, cursor=after, limit=5)
            seen += [event.id for event in page.items]
            after, pages = page.next_cursor or "", pages + 1
    assert pages == 5
    assert len(seen) == len(set(seen)) == line.events == 22
    assert {use.id for use in more} <= set(seen)


async def test_lines_of_both_sides_list_the_same_events(priced: Market, drafts: dict[Side, DraftInvoice]) -> None:
    async with priced.as_staff() as session:
        opened = {}
        for side, draft in drafts.items():
            (line,) = (await load_invoice(session, draft.id)).lines
            opened[side] = [event.id for event in (await events_of(session, line.id)).items]
        whole = (await listed(session, side=Side.WHOLESALE))[0]
        lines = (await load_invoice(session, whole.id)).lines
        (mine,) = [line for line in lines if line.client_id == priced.client.tenant_id]
        from_whole = [event.id for event in (await events_of(session, mine.id)).items]
    assert opened[Side.RETAIL] == opened[Side.WHOLESALE] == from_whole
    assert len(from_whole) == 12


async def test_invoices_and_lines_of_others_answer_404(priced: Market, drafts: dict[Side, DraftInvoice]) -> None:
    async with priced.as_staff() as session:
        lines = {side: (await load_invoice(session, draft.id)).lines[0].id for side, draft in drafts.items()}
    stranger = make_scope()
    readers: list[tuple[Scope, set[Side]]] = [
        (priced.client, {Side.RETAIL}),
        (make_scope(msp_id=priced.msp_account.msp_id), set()),
        (stranger, set()),
        (stranger.for_fleet(), set()),
    ]
    for reader, allowed in readers:
        for side in set(Side) - allowed:
            async with priced.db.transaction(reader) as session:
                with pytest.raises(NotFound):
                    await load_invoice(session, drafts[side].id)
                with pytest.raises(NotFound):
                    await load_line(session, lines[side])


async def test_staff_find_the_other_side_of_an_invoice(priced: Market, drafts: dict[Side, DraftInvoice]) -> None:
    async with priced.as_staff() as session:
        retail = (await load_invoice(session, drafts[Side.RETAIL].id)).invoice
        wholesale = await load_sibling_invoice(session, retail)
        assert wholesale is not None
        assert wholesale.id == drafts[Side.WHOLESALE].id
        assert await load_sibling_invoice(session, wholesale) == retail
    async with priced.as_client() as session:
        assert await load_sibling_invoice(session, retail) is None


@pytest.mark.usefixtures("drafts")
async def test_the_margin_is_shown_per_client_and_feature_to_staff_only(priced: Market) -> None:
    async with priced.as_staff() as session:
        margins = await list_margins(session, period_start=MARCH.start)
        mine = await list_margins(session, period_start=MARCH.start, client_id=priced.client.tenant_id)
        assert await list_margins(session, period_start=APRIL.start) == []
    assert len(margins) == 2
    (margin,) = mine
    assert (margin.meter, int(margin.quantity)) == (METER, 12)
    assert (margin.retail_minor, margin.wholesale_minor, margin.margin_minor) == (70, 36, 34)
    async with priced.as_client() as session:
        with pytest.raises(Forbidden):
            await list_margins(session, period_start=MARCH.start)


async def test_no_margin_is_computed_across_currencies(priced: Market) -> None:
    await priced.open_book(Side.RETAIL, "JPY", own=True)
    await priced.price(Side.RETAIL, "2", own=True)
    await priced.use(*uses(3))
    for side in Side:
        await priced.rate(side)
    async with priced.as_staff() as session:
        (margin,) = await list_margins(session, period_start=MARCH.start)
    assert (margin.retail_currency, margin.wholesale_currency, margin.margin_minor) == ("JPY", "EUR", None)


async def test_an_invoice_that_does_not_exist_is_not_found(priced: Market) -> None:
    async with priced.as_client() as session:
        with pytest.raises(NotFound):
            await load_invoice(session, new_id())
