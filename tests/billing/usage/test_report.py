"""Reported usage: counted once, corrected by reversal, refused event by event, and billed like all other usage."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from billing.price_books.books import find_price_book
from billing.price_books.pricing import PriceKind, Terms
from billing.price_books.repository import NewPrice, set_price
from billing.sides import Side
from billing.simulation.schemas import PriceDraft
from billing.simulation.simulate import simulate
from billing.usage.meters import create_meter, list_meters, retire_meter
from billing.usage.queries import forecast, read_usage
from billing.usage.report import AHEAD, LATEST, report_usage
from billing.usage.schemas import NewMeter, UsageEventInput, UsageReceipt
from foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from foundation.ids import new_id
from foundation.usage.meters import Meters
from tests.billing.conftest import MARCH, START, Market

AT = START + timedelta(days=3)
NONE = Meters([])


def event(event_id: str, quantity: str | None = "1", **given_: Any) -> UsageEventInput:
    fields: dict[str, Any] = {"id": event_id, "meter": "gb_hours", "occurred_at": AT, **given_}
    if quantity is not None:
        fields["quantity"] = Decimal(quantity)
    return UsageEventInput(**fields)


@pytest.fixture
async def metered(market: Market) -> Market:
    market.now = START + timedelta(days=10)
    async with market.as_msp_account() as session:
        await create_meter(session, NONE, NewMeter("gb_hours", "Storage", "GB-hours"), now=market.now)
    return market


async def report(market: Market, *events: UsageEventInput, source: str = "storage") -> UsageReceipt:
    async with market.as_client() as session:
        return await report_usage(session, source, events, now=market.now, new_id=new_id)


async def ledger(market: Market) -> Sequence[tuple[Decimal, datetime]]:
    async with market.as_client() as session:
        rows = await session.execute(
            text("SELECT quantity, occurred_at FROM usage_event WHERE tenant_id = :t ORDER BY id"),
            {"t": market.client.tenant_id},
        )
        return [(row.quantity, row.occurred_at) for row in rows]


async def test_an_event_counts_once_however_often_it_is_sent(metered: Market) -> None:
    first = await report(metered, event("a", "1.50"), event("a", "1.5"), event("b", None))
    assert [item.result for item in first.items] == ["accepted", "duplicate", "accepted"]
    again = await report(metered, event("b", None), event("a", "1.5"))
    assert (again.accepted, again.duplicate) == (0, 2)
    other = await report(metered, event("a", "7"), source="another system")
    assert other.accepted == 1, "each source has its own IDs"
    assert [quantity for quantity, _ in await ledger(metered)] == [Decimal("1.5"), 1, 7]


async def test_the_same_id_with_other_content_is_a_conflict_and_changes_nothing(metered: Market) -> None:
    await report(metered, event("a", "1"))
    for other in (event("a", "2"), event("a", "1", occurred_at=AT + timedelta(seconds=1)),
                  event("a", "1", dimensions={"region": "eu"})):  # fmt: skip
        [item] = (await report(metered, other)).items
        assert (item.result, item.code) == ("refused", "conflict")
    assert [quantity for quantity, _ in await ledger(metered)] == [1]


async def test_a_reversal_takes_back_the_whole_event_at_its_own_time_and_only_once(metered: Market) -> None:
    back: dict[str, Any] = {"quantity": None, "reverses": "a", "occurred_at": AT + timedelta(days=5)}
    receipt = await report(metered, event("a", "2.25"), event("undo a", **back), event("again", **back))
    assert [item.result for item in receipt.items] == ["accepted", "accepted", "refused"]
    assert await ledger(metered) == [(Decimal("2.25"), AT), (Decimal("-2.25"), AT)]
    later = await report(metered, event("again", **back), event("undo a", **back))
    assert [item.result for item in later.items] == ["refused", "duplicate"]


@pytest.mark.parametrize(
    "wrong",
    [
        event("x", reverses="unknown", quantity=None),
        event("x", meter="sync.verified"),
        event("x", occurred_at=START + timedelta(days=10) + AHEAD + timedelta(seconds=1)),
        event("x", occurred_at=START + timedelta(days=10) - LATEST - timedelta(seconds=1)),
        event("x", occurred_at=datetime(9999, 12, 31, 23, tzinfo=UTC)),
        event("x", "-1"),
        event("x", "NaN"),
        event("x", "Infinity"),
        event("x", "1e999999999"),
        event("x", "1e-999999999"),
        event("x", "0.0000000001"),
        event("x\u202e"),
        event("\x00"),
        event("x", dimensions={"region": "\x00"}),
    ],
    ids=["no original", "counted by the product", "future", "old", "far future", "negative", "nan", "infinite", "huge",
         "tiny", "too precise", "hidden", "nul", "nul in a dimension"],
)  # fmt: skip
async def test_a_wrong_event_is_refused_alone(metered: Market, wrong: UsageEventInput) -> None:
    receipt = await report(metered, event("before"), wrong, event("after"))
    assert [item.result for item in receipt.items] == ["accepted", "refused", "accepted"]
    assert (receipt.items[1].code, bool(receipt.items[1].detail)) == ("invalid-input", True)
    assert len(await ledger(metered)) == 2


async def test_usage_at_the_edges_of_time_is_accepted(metered: Market) -> None:
    edges = (metered.now + AHEAD, metered.now - LATEST)
    receipt = await report(metered, *(event(f"{number}", occurred_at=at) for number, at in enumerate(edges)))
    assert receipt.accepted == 2


async def test_a_retired_meter_takes_only_what_was_used_before(metered: Market) -> None:
    async with metered.as_msp_account() as session:
        await retire_meter(session, "gb_hours", now=metered.now)
    metered.now += timedelta(days=1)
    receipt = await report(metered, event("before"), event("after", occurred_at=metered.now))
    assert [item.result for item in receipt.items] == ["accepted", "refused"]
    async with metered.as_msp_account() as session:
        with pytest.raises(Conflict):
            await retire_meter(session, "gb_hours", now=metered.now)
        with pytest.raises(Conflict):
            await create_meter(session, NONE, NewMeter("gb_hours", "Storage", "GB"), now=metered.now)


async def test_reported_usage_is_billed_and_its_reversal_too(metered: Market) -> None:
    for side, price in ((Side.WHOLESALE, "0.004"), (Side.RETAIL, "0.01")):
        await metered.open_book(side)
        await metered.price(side, price, meter="gb_hours", at=metered.now)
    at = metered.now
    await report(metered, event("a", "1250.5", occurred_at=at), event("b", "100", occurred_at=at))
    draft = await metered.rate(Side.RETAIL)
    assert draft is not None
    assert draft.total_minor == 1351, "13.505, half up"
    await report(metered, event("undo b", None, reverses="b", occurred_at=at))
    corrected = await metered.rate(Side.RETAIL)
    assert corrected is not None
    assert (corrected.total_minor, corrected.events) == (1251, 1)


@pytest.mark.parametrize(
    ("terms", "cost"),
    [
        (Terms(Decimal(0), kind=PriceKind.PERCENTAGE, per_event=Decimal(1)), 100),
        (Terms(Decimal(40), kind=PriceKind.FLAT), 4000),
        (Terms(Decimal("0.01"), minimum=Decimal(20)), 2000),
    ],
    ids=["a fee for each event", "a fee for the month", "a minimum"],
)
async def test_reversed_usage_costs_nothing(metered: Market, terms: Terms, cost: int) -> None:
    """An event of quantity 0, whose sign does not show the reversal: in the draft, and in a simulation."""
    await metered.open_book(Side.RETAIL)
    at = metered.now
    price = NewPrice(meter="gb_hours", description="Storage", terms=terms, valid_from=at)
    async with metered.as_msp_account() as session:
        book_id = metered.books[Side.RETAIL, None]
        await set_price(session, book_id, price=price, now=at, new_id=new_id)

    async def costs() -> tuple[int, int, int]:
        draft = await metered.rate(Side.RETAIL)
        assert draft is not None
        async with metered.as_staff() as session:
            book = await find_price_book(session, book_id)
            found = await simulate(
                session, book, PriceDraft({}), period=MARCH, client_id=None, now=at, new_id=new_id
            )  # fmt: skip
            summary = await read_usage(session, meter="gb_hours", period=MARCH, by="day", now=at)
        assert summary.events == draft.events
        return draft.total_minor, found.old_minor, draft.events

    await report(metered, event("a", "0", occurred_at=at))
    assert await costs() == (cost, cost, 1)
    await report(metered, event("undo a", None, reverses="a", occurred_at=at))
    assert await costs() == (0, 0, 0)


async def test_zeros_at_the_end_are_no_decimals(metered: Market) -> None:
    receipt = await report(metered, event("a", "1.0000000000"), event("b", "0E-12"), event("c", "2.50000000000"))
    assert receipt.accepted == 3
    assert [quantity for quantity, _ in await ledger(metered)] == [1, 0, Decimal("2.5")]


async def test_only_an_msp_declares_meters_and_its_clients_alone_see_them(metered: Market) -> None:
    other = Market(metered.db, metered.msp_account, metered.client)
    async with metered.as_client() as session:
        assert [one.code for one in await list_meters(session, NONE)] == ["gb_hours"]
        with pytest.raises(NotFound):
            await retire_meter(session, "unknown", now=metered.now)
    async with metered.as_staff() as session:
        assert [one.code for one in await list_meters(session, NONE)] == ["gb_hours"]
        with pytest.raises(Forbidden):
            await report_usage(session, "x", [event("a")], now=metered.now, new_id=new_id)
    async with other.as_msp_account() as session:
        with pytest.raises(InvalidInput):
            await create_meter(session, NONE, NewMeter("seats", "Seats", "{number}"), now=metered.now)


async def test_another_client_does_not_see_the_events(metered: Market) -> None:
    await report(metered, event("a"))
    other = metered.another_client()
    assert (await report(other, event("undo", None, reverses="a"))).refused == 1
    assert (await report(other, event("a"))).accepted == 1
    for market in (metered, other):
        async with market.as_client() as session:
            assert await session.scalar(text("SELECT count(*) FROM reported_usage")) == 1


async def test_the_summary_has_every_day_and_each_grouping(metered: Market) -> None:
    await report(
        metered,
        event("a", "10", dimensions={"region": "eu"}),
        event("b", "4", dimensions={"region": "us"}, occurred_at=AT + timedelta(days=1)),
        event("c", "8", dimensions={"region": "eu"}, occurred_at=START - timedelta(days=1)),
    )
    await report(metered, event("d", "1"), source="other")
    taken_back = event("e", "3", dimensions={"region": "us"})
    await report(metered, taken_back, event("undo e", None, reverses="e"))
    other = metered.another_client()
    await report(other, event("a", "100"))

    async def read(by: str, *, staff: bool = False) -> list[tuple[Any, ...]]:
        async with metered.as_staff() if staff else metered.as_client() as session:
            found = await read_usage(session, meter="gb_hours", period=MARCH, by=by, now=metered.now)
        assert (found.quantity, found.before) == (Decimal(115 if staff else 15), Decimal(8))
        assert sum(one.quantity for one in found.days) == found.quantity
        assert len(found.days) == 10
        assert found.dimensions == ["region"]
        return [(one.key, one.quantity, one.before) for one in found.groups]

    assert await read("source") == [("storage", 14, 8), ("other", 1, 0)]
    assert await read("dimension:region") == [("eu", 10, 8), ("us", 4, 0), ("", 1, 0)]
    clients = {str(one.client.tenant_id): one for one in (metered, other)}
    assert {key for key, _, _ in await read("client", staff=True)} == set(clients)


def test_a_forecast_is_proportional_to_time() -> None:
    quarter = MARCH.start + (MARCH.end - MARCH.start) / 4
    assert forecast(Decimal("10.5"), MARCH, quarter) == 42
    for ended in (MARCH.end, MARCH.end + timedelta(days=9), MARCH.start):
        assert forecast(Decimal("10.5"), MARCH, ended) == Decimal("10.5")


@given(st.decimals(min_value=0, max_value=10**17, places=9), st.integers(1, 10**9))
def test_a_forecast_is_never_below_what_was_used(quantity: Decimal, seconds: int) -> None:
    now = MARCH.start + timedelta(seconds=seconds % 2_600_000)
    assert forecast(quantity, MARCH, now) >= quantity - Decimal("0.000001")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_any_order_and_repetition_gives_the_same_sum(metered: Market, data: st.DataObject) -> None:
    tag = new_id().hex
    quantities = data.draw(st.lists(st.decimals(0, 10**6, places=9), min_size=1, max_size=6))
    events = [event(f"{tag} {number}", str(one)) for number, one in enumerate(quantities)]
    undone = data.draw(st.sets(st.sampled_from(range(len(events)))))
    backs = [event(f"{tag} undo {number}", None, reverses=f"{tag} {number}") for number in sorted(undone)]
    sent = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events), max_size=4))))
    before = sum((quantity for quantity, _ in await ledger(metered)), Decimal(0))
    for part in (sent[: len(sent) // 2], [*sent[len(sent) // 2 :], *backs], backs):
        if part:
            await report(metered, *part)
    after = sum((quantity for quantity, _ in await ledger(metered)), Decimal(0))
    assert after - before == sum(one for number, one in enumerate(quantities) if number not in undone)
