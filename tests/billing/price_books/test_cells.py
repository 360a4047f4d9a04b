"""Prices by dimension: each unit at its cell's price, in drafts and simulations, and the events of each cell."""

from datetime import timedelta
from decimal import Decimal
from typing import cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from billing.errors import PriceNotAllowed
from billing.invoices.draft import close_period
from billing.invoices.line_cells import list_line_cells
from billing.invoices.line_events import list_line_events
from billing.invoices.lists import LINE_EVENTS
from billing.invoices.release import release_usage
from billing.invoices.repository import load_line
from billing.invoices.steps import Issued
from billing.price_books.books import find_price_book
from billing.price_books.cells import PriceCell
from billing.price_books.pricing import PriceKind, Terms, charge, check_terms
from billing.price_books.repository import NewPrice, set_price
from billing.pricing.charges import DimensionUsage
from billing.sides import Side
from billing.simulation.schemas import PriceDraft
from billing.simulation.simulate import simulate
from billing.usage.counting import MeterAggregation
from billing.usage.meters import create_meter
from billing.usage.report import report_usage
from billing.usage.schemas import NewMeter, UsageEventInput
from foundation.ids import new_id
from foundation.usage.meters import Meters
from tests.billing.conftest import APRIL, MARCH, METER, START, Market

D = Decimal
DAY = timedelta(days=1)
CELLS = (
    PriceCell({"region": "eu"}, D("0.5")),
    PriceCell({"region": "eu", "size": "large"}, D(2)),
    PriceCell({"size": "large"}, D(1)),
)
TERMS = Terms(D("0.1"), kind=PriceKind.MATRIX, cells=CELLS)
EVENTS = [
    ("a", "3", {"region": "eu"}),
    ("b", "4", {"region": "eu", "size": "large"}),
    ("c", "5", {"region": "us", "size": "large"}),
    ("d", "6.5", {"region": "us"}),
    ("e", "7", {}),
    ("taken back", "100", {"region": "eu"}),
]
BY_CELL = {"1": (D(3), D("1.5")), "2": (D(4), D(8)), "3": (D(5), D(5)), "rest": (D("13.5"), D("1.35"))}
"""Quantity and amount by cell."""


QUANTITIES = st.decimals(-99, 99, places=3)


@given(st.lists(st.tuples(st.integers(0, 3), QUANTITIES), max_size=6), QUANTITIES)
def test_each_unit_has_the_price_of_its_cell(uses: list[tuple[int, Decimal]], rest: Decimal) -> None:
    parts = [DimensionUsage(CELLS[place].dims, quantity) for place, quantity in uses if place < 3]
    quantity = sum((one for _, one in uses), D(0)) + rest
    expected = sum((one * (CELLS[place].unit_price if place < 3 else D("0.1")) for place, one in uses), rest / 10)
    cents = charge(TERMS, before=7, quantity=quantity, currency="EUR", parts=parts).amount_minor
    assert abs(cents - expected * 100) <= D("0.5")


@pytest.mark.parametrize(
    "wrong",
    [
        {"cells": ()},
        {"kind": PriceKind.PER_UNIT},
        {"cells": (PriceCell({}, D(1)),)},
        {"cells": (PriceCell({"region": " "}, D(1)),)},
        {"cells": (CELLS[0], PriceCell({"region": "eu"}, D(1)))},
        {"cells": (*CELLS, PriceCell({"third": "x"}, D(1)))},
        {"cells": (PriceCell({"region": "eu"}, D(-1)),)},
        {"cells": tuple(PriceCell({"region": str(number)}, D(1)) for number in range(101))},
        {"included": D(1)},
        {"minimum": D(1)},
        {"maximum": D(1)},
    ],
)
def test_cells_that_price_nothing_or_twice_are_refused(wrong: dict[str, object]) -> None:
    given_ = {"unit_price": D("0.1"), "kind": PriceKind.MATRIX, "cells": CELLS} | wrong
    with pytest.raises(PriceNotAllowed):
        check_terms(Terms(**given_))  # type: ignore[arg-type]


async def declare(market: Market, aggregation: str = "sum") -> None:
    new = NewMeter("calls", "Calls", "calls", aggregation=MeterAggregation(aggregation))
    async with market.as_msp_account() as session:
        await create_meter(session, Meters([]), new, now=market.now)
    for side in Side:
        await market.open_book(side)


async def price(market: Market, side: Side = Side.RETAIL, *, meter: str = "calls", day: int = 0) -> None:
    new = NewPrice(meter, "Calls", TERMS, START + day * DAY)
    async with market.as_msp_account() as session:
        await set_price(session, market.books[side, None], price=new, now=market.now, new_id=new_id)


async def report(market: Market, *, day: int = 3, prefix: str = "") -> None:
    events = [
        UsageEventInput(
            id=prefix + name, meter="calls", occurred_at=START + day * DAY, quantity=D(quantity), dimensions=dims
        )
        for name, quantity, dims in EVENTS
    ]
    undo = UsageEventInput(
        id=f"{prefix}undo", meter="calls", occurred_at=START + (day + 1) * DAY, reverses=f"{prefix}taken back"
    )
    async with market.as_client() as session:
        found = await report_usage(session, "probe", [*events, undo], now=market.now, new_id=new_id)
    assert {one.result for one in found.items} == {"accepted"}


async def cells_of(market: Market, line_id: UUID) -> dict[str, tuple[Decimal, Decimal]]:
    async with market.as_staff() as session:
        line = (await load_line(session, line_id)).line
        return {one.cell: (one.quantity, one.amount) for one in await list_line_cells(session, line)}


async def lines_of(market: Market, side: Side = Side.RETAIL) -> list[tuple[UUID, int]]:
    async with market.as_staff() as session:
        rows = await session.execute(
            text("""
                SELECT l.id, l.amount_minor FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id
                 WHERE l.tenant_id = :t AND l.side = :side ORDER BY i.period_start, l.service_start, l.first_at
            """),
            {"t": market.client.tenant_id, "side": side.value},
        )
        return [(row.id, row.amount_minor) for row in rows]


async def simulated(market: Market, draft: PriceDraft) -> tuple[int, int]:
    async with market.as_staff() as session:
        book = await find_price_book(session, market.books[Side.RETAIL, None])
        found = await simulate(
            session, book, draft, period=MARCH, client_id=market.client.tenant_id, now=market.now, new_id=new_id
        )
    return found.old_minor, found.new_minor


async def test_a_draft_and_a_simulation_charge_each_event_at_its_cell(market: Market) -> None:
    await declare(market)
    await price(market)
    await price(market, Side.WHOLESALE)
    market.now = START + 20 * DAY
    other = market.another_client()
    await report(other)
    await report(market)
    draft = await market.rate(Side.RETAIL)
    assert draft is not None
    assert (draft.total_minor, draft.events) == (1585, 5)
    [(line_id, _)] = await lines_of(market)
    assert await cells_of(market, line_id) == BY_CELL
    again = await market.rate(Side.RETAIL)
    assert again is not None
    assert again.content_hash == draft.content_hash
    assert await simulated(market, PriceDraft({})) == (1585, 1585)
    flat = Terms(D(1))
    assert await simulated(market, PriceDraft({"calls": flat})) == (1585, 2550)
    assert await simulated(market, PriceDraft({}, D(100))) == (1585, 3170)
    await market.rate(Side.WHOLESALE)
    assert [amount for _, amount in await lines_of(market, Side.WHOLESALE)] == [1585]


async def test_each_cell_opens_to_its_events_and_a_client_sees_its_own_only(market: Market) -> None:
    await declare(market)
    await price(market)
    market.now = START + 20 * DAY
    await report(market)
    await market.rate(Side.RETAIL)
    [(line_id, _)] = await lines_of(market)

    async def events(cell: str) -> list[Decimal]:
        query = LINE_EVENTS.query(cell=cell).inside({"line_id": line_id})
        async with market.as_client() as session:
            return [one.quantity for one in (await list_line_events(session, query, market.now)).items]

    assert sorted(await events("1")) == [-100, 3, 100]
    assert (await events("2"), await events("3"), sorted(await events("rest"))) == ([D(4)], [D(5)], [D("6.5"), D(7)])
    assert (await events("4"), await events("x")) == ([], [])
    assert len(await events("")) == 7
    async with market.as_client() as session:
        assert len(await list_line_cells(session, (await load_line(session, line_id)).line)) == 4


async def test_a_voided_line_still_shows_its_cells(market: Market) -> None:
    await declare(market)
    await price(market)
    market.now = START + 20 * DAY
    await report(market)
    draft = await market.rate(Side.RETAIL)
    assert draft is not None
    [(line_id, _)] = await lines_of(market)
    async with market.as_client() as session:
        await release_usage(session, cast("Issued", draft))
    assert await cells_of(market, line_id) == BY_CELL


async def test_late_usage_and_a_price_within_the_month_have_lines_of_their_own_cells(market: Market) -> None:
    await declare(market)
    await market.price(Side.RETAIL, "1", meter="calls")
    await price(market, day=10)
    market.now = START + 20 * DAY
    await report(market, day=3)
    await report(market, day=15, prefix="x")
    await market.rate(Side.RETAIL)
    assert [amount for _, amount in await lines_of(market)] == [2550, 1585]
    assert (await simulated(market, PriceDraft({})))[0] == 2550 + 1585
    market.now = MARCH.end + DAY
    async with market.as_client() as session:
        await close_period(session, side=Side.RETAIL, period=MARCH, now=market.now)
    await report(market, day=12, prefix="late")
    await market.rate(Side.RETAIL, APRIL)
    late = (await lines_of(market))[-1]
    assert (await cells_of(market, late[0]), late[1]) == (BY_CELL, 1585)


async def test_a_counted_meter_has_events_in_its_cells(market: Market) -> None:
    await declare(market, "count")
    await price(market)
    market.now = START + 20 * DAY
    await report(market)
    await market.rate(Side.RETAIL)
    [(line_id, amount)] = await lines_of(market)
    found = {cell: quantity for cell, (quantity, _) in (await cells_of(market, line_id)).items()}
    assert (found, amount) == ({"1": D(1), "2": D(1), "3": D(1), "rest": D(2)}, 370)
    assert (await simulated(market, PriceDraft({})))[0] == 370


async def test_a_meter_without_dimensions_or_sum_has_no_price_by_dimension(market: Market) -> None:
    await declare(market, "max")
    for meter in ("calls", METER, "unknown"):
        with pytest.raises(PriceNotAllowed):
            await price(market, meter=meter)
        with pytest.raises(PriceNotAllowed):
            await simulated(market, PriceDraft({meter: TERMS}))
