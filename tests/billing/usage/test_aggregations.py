"""Aggregated meters: drafts, simulation and explorer agree with the pure functions; each event is on one line."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from billing.invoices.draft import close_period
from billing.limits.schemas import SPEND
from billing.price_books.books import find_price_book
from billing.pricing.aggregation import Aggregation, LevelChange, Measured, aggregate, weighted_sum
from billing.reconciliation.queries import reconcile
from billing.sides import Side
from billing.simulation.schemas import PriceDraft
from billing.simulation.simulate import simulate
from billing.usage.counting import MeterAggregation, read_filters, write_filters
from billing.usage.meters import create_meter
from billing.usage.queries import read_usage
from billing.usage.report import report_usage
from billing.usage.schemas import NewMeter, UsageEventInput
from foundation.errors import Conflict, InvalidInput
from foundation.ids import new_id
from foundation.usage.meters import Meters
from tests.billing.conftest import APRIL, MARCH, START, Market

DAY = timedelta(days=1)


def event(event_id: str, quantity: str | None, day: float, *, meter: str = "disk", **given_: Any) -> UsageEventInput:
    quantities: dict[str, Any] = {} if quantity is None else {"quantity": Decimal(quantity)}
    return UsageEventInput(id=event_id, meter=meter, occurred_at=START + day * DAY, **quantities, **given_)


async def declare(market: Market, aggregation: str, *, code: str = "disk", **given_: Any) -> None:
    new = NewMeter(code, "Disk", "GB", aggregation=MeterAggregation(aggregation), **given_)
    async with market.as_msp_account() as session:
        await create_meter(session, Meters([]), new, now=market.now)
    for side, price in ((Side.WHOLESALE, "1"), (Side.RETAIL, "2")):
        if (side, None) not in market.books:
            await market.open_book(side)
        await market.price(side, price, meter=code)


async def report(market: Market, *events: UsageEventInput) -> list[str]:
    async with market.as_client() as session:
        receipt = await report_usage(session, "probe", events, now=market.now, new_id=new_id)
    return [item.detail for item in receipt.items]


async def lines(market: Market, side: Side = Side.RETAIL) -> list[tuple[str, int, Decimal | int, int]]:
    """Month of service, events, quantity and amount of each line, over all invoices."""
    async with market.as_staff() as session:
        rows = await session.execute(
            text("""
                SELECT to_char(l.service_start AT TIME ZONE 'UTC', 'MM') AS month, l.events, l.quantity, l.amount_minor
                  FROM invoice_line l JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
                 WHERE l.tenant_id = :t AND l.side = :side ORDER BY i.period_start, l.service_start, l.first_at
            """),
            {"t": market.client.tenant_id, "side": side.value},
        )
        return [(row.month, row.events, row.quantity.normalize(), row.amount_minor) for row in rows]


async def simulated(market: Market) -> int:
    async with market.as_staff() as session:
        book = await find_price_book(session, market.books[Side.RETAIL, None])
        draft = PriceDraft({})
        found = await simulate(
            session, book, draft, period=MARCH, client_id=market.client.tenant_id, now=market.now, new_id=new_id
        )
    assert found.old_minor == found.new_minor
    return found.old_minor


@pytest.fixture
def at_work(market: Market) -> Market:
    market.now = START + 20 * DAY
    return market


VALUES = ["5", "20", "3", "20", "7.5"]


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [("count", "4"), ("max", "20"), ("latest", "7.5"), ("percentile", "7.5"), ("unique", "2")],
)
async def test_a_line_is_charged_for_the_aggregate_of_its_events(
    at_work: Market, aggregation: str, expected: str
) -> None:
    market = at_work
    dimension = {"dimension": "volume"} if aggregation == "unique" else {}
    await declare(market, aggregation, percentile=Decimal(75), **dimension)
    events = [
        event(f"{day}", value, day, dimensions={"volume": f"v{day % 2}"} if day else {})
        for day, value in enumerate(VALUES)
    ]
    other = market.another_client()
    await report(other, event("0", "1000", 1, dimensions={"volume": "x"}))
    await report(market, *events, event("taken back", None, 6, reverses="3"))
    first = await market.rate(Side.RETAIL)
    await market.rate(Side.WHOLESALE)
    assert first is not None
    assert await lines(market) == [("03", 4, Decimal(expected).normalize(), int(Decimal(expected) * 200))]
    again = await market.rate(Side.RETAIL)
    assert again is not None
    assert again.content_hash == first.content_hash
    assert await simulated(market) == first.total_minor
    async with market.as_client() as session:
        shown = await read_usage(session, meter="disk", period=MARCH, by="day", now=market.now)
        found = await reconcile(session, period=MARCH)
    assert (shown.quantity, shown.events, sum(day.events for day in shown.days)) == (Decimal(expected), 4, 4)
    assert (found.accepted, found.waiting, found.holds) == (6, 0, True)
    function = Aggregation(aggregation)
    kept = [Measured(value=Decimal(one.quantity or 0), at=one.occurred_at, fields=one.dimensions)
            for one in events if one.id != "3"]  # fmt: skip
    assert aggregate(function, kept, field="volume", percentile=75).value == Decimal(expected)


async def test_each_price_of_a_month_has_the_quantity_of_its_own_part(at_work: Market) -> None:
    market = at_work
    await declare(market, "max")
    market.now = START + 10 * DAY
    await market.price(Side.RETAIL, "3", meter="disk", at=market.now)
    market.now = START + 20 * DAY
    await report(market, event("a", "10", 1), event("b", "8", 15), event("c", "6", 16))
    draft = await market.rate(Side.RETAIL)
    assert draft is not None
    assert await lines(market) == [("03", 1, 10, 2000), ("03", 2, 8, 2400)]
    assert await simulated(market) == draft.total_minor == 4400


async def test_late_usage_and_late_reversals_change_the_quantity_as_if_they_had_been_in_time(at_work: Market) -> None:
    market = at_work
    await declare(market, "max")
    await report(market, event("a", "10", 1), event("b", "8", 2))
    for side in Side:
        await market.rate(side)
    market.now = APRIL.start + DAY
    async with market.as_client() as session:
        for side in Side:
            await close_period(session, side=side, period=MARCH, now=market.now)
    await report(market, event("late but smaller", "9", 3), event("late and larger", "12.5", 3))
    await market.rate(Side.RETAIL, APRIL)
    assert await lines(market) == [("03", 2, 10, 2000), ("03", 2, Decimal("2.5"), 500)]
    back = [event(f"back {name}", None, 20, reverses=name) for name in ("a", "late and larger")]
    await report(market, *back)
    await market.rate(Side.RETAIL, APRIL)
    assert await lines(market) == [("03", 2, 10, 2000), ("03", 0, -1, -200)]


async def test_a_level_is_weighted_by_time_and_carried_into_months_without_reports(at_work: Market) -> None:
    market = at_work
    await declare(market, "time_weighted", dimension="volume")
    a, b = {"volume": "a"}, {"volume": "b"}
    await report(market, event("1", "31", 0, dimensions=a), event("2", "62", 15.5, dimensions=a),
                 event("3", "10", 0, dimensions=b))  # fmt: skip
    first = await market.rate(Side.RETAIL)
    assert first is not None
    assert await lines(market) == [("03", 3, Decimal("56.5"), 11300)]
    assert await simulated(market) == 11300
    async with market.as_client() as session:
        shown = await read_usage(session, meter="disk", period=MARCH, by="day", now=market.now)
    assert [shown.quantity, shown.days[0].quantity, shown.days[18].quantity] == [Decimal("56.5"), 41, 72]
    await market.rate(Side.WHOLESALE)
    market.now = APRIL.start + DAY
    async with market.as_client() as session:
        for side in Side:
            await close_period(session, side=side, period=MARCH, now=market.now)
    draft = await market.rate(Side.RETAIL, APRIL)
    again = await market.rate(Side.RETAIL, APRIL)
    assert draft is not None
    assert again is not None
    assert draft.content_hash == again.content_hash
    assert await lines(market) == [("03", 3, Decimal("56.5"), 11300), ("04", 0, 72, 14400)]
    await report(market, event("back", None, 20, reverses="2"))
    await market.rate(Side.RETAIL, APRIL)
    assert (await lines(market))[1:] == [("03", -1, Decimal("-15.5"), -3100), ("04", 0, 41, 8200)]
    assert await lines(market.another_client()) == []


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(levels=st.lists(st.tuples(st.integers(0, 30 * 86400), st.integers(0, 99)), min_size=1, max_size=8))
async def test_levels_agree_with_the_pure_function(at_work: Market, levels: list[tuple[int, int]]) -> None:
    market = at_work.another_client()
    market.now = MARCH.end
    if (Side.RETAIL, None) not in market.books:
        await declare(market, "time_weighted")
    await report(market, *(event(f"{n}", f"{level}", at / 86400) for n, (at, level) in enumerate(levels)))
    ordered = sorted(enumerate(levels), key=lambda one: (one[1][0], one[0]))
    changes, before = [], 0
    for _, (at, level) in ordered:
        changes.append(LevelChange(START + at / 86400 * DAY, level - before))
        before = level
    async with market.as_client() as session:
        shown = await read_usage(session, meter="disk", period=MARCH, by="source", now=market.now)
    assert shown.quantity == weighted_sum(changes, MARCH.start, MARCH.end, places=9).units


async def test_several_meters_read_the_same_events_by_filters_and_take_them_back_together(at_work: Market) -> None:
    market = at_work
    await declare(market, "sum", code="eu", event="traffic", filters={"region": ["eu", "uk"]})
    await declare(market, "max", code="peak", event="traffic")
    dims = [{"region": "eu"}, {"region": "us"}]
    refused = await report(market, event("a", "4", 1, meter="traffic", dimensions=dims[0]),
                           event("b", "5", 2, meter="traffic", dimensions=dims[1]))  # fmt: skip
    assert refused == ["", ""]
    draft = await market.rate(Side.RETAIL)
    assert draft is not None
    assert await lines(market) == [("03", 1, 4, 800), ("03", 2, 5, 1000)]
    await report(market, event("back", None, 3, meter="traffic", reverses="a"))
    await market.rate(Side.RETAIL)
    assert await lines(market) == [("03", 0, 0, 0), ("03", 1, 5, 1000)]
    async with market.as_client() as session:
        by_region = await read_usage(session, meter="peak", period=MARCH, by="dimension:region", now=market.now)
    assert {one.key: int(one.quantity) for one in by_region.groups} == {"us": 5, "eu": 0}


async def test_usage_that_no_meter_counts_is_refused(at_work: Market) -> None:
    await declare(at_work, "sum", filters={"region": ["eu"]})
    [detail] = await report(at_work, event("a", "1", 1, dimensions={"region": "us"}))
    assert "with these dimensions" in detail


@pytest.mark.parametrize(
    "wrong",
    [{"aggregation": "unique"}, {"aggregation": "sum", "dimension": "x"},
     {"aggregation": "percentile", "percentile": Decimal(0)}, {"aggregation": "count", "filters": {"x": []}}],
)  # fmt: skip
async def test_a_meter_that_cannot_be_counted_is_refused(at_work: Market, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await declare(at_work, **wrong)


async def test_the_name_of_the_months_cost_is_no_meter(at_work: Market) -> None:
    with pytest.raises(Conflict):
        await declare(at_work, "sum", code=SPEND)


def test_filters_are_read_as_they_are_written() -> None:
    filters = read_filters(" region = eu, us \n\ntier=gold")
    assert filters == {"region": ["eu", "us"], "tier": ["gold"]}
    assert read_filters(write_filters(filters)) == filters
    for wrong in ("region", "region =", "a = b\na = c"):
        with pytest.raises(InvalidInput):
            read_filters(wrong)
