"""Rating by roll-ups: in any order of events and runs, each line has exactly its events, as if rated one by one."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.invoices.draft import close_period, draft_invoice
from billing.invoices.settle import InvoiceAct, act_on_invoice
from billing.periods import month_of
from billing.rating.attribution import RATED_EVENTS
from billing.rating.rate_usage import rate_period, rerate_draft
from billing.reconciliation.rollups import find_rollup_differences
from billing.sides import Side
from billing.usage.queries import read_usage
from foundation.ids import new_id
from foundation.usage.ledger import Usage
from tests.billing.conftest import APRIL, MARCH, METER, START, Market, events_of, uses

MINUTE = timedelta(minutes=1)
MAY = month_of(APRIL.end)
_LINES = text("""
    SELECT l.id, l.side, l.events, l.quantity, p.valid_from, coalesce(p.valid_to, '9000-01-01') AS valid_to
      FROM invoice_line l JOIN price p ON p.id = l.price_id JOIN invoice i ON i.id = l.invoice_id
     WHERE l.tenant_id = :t AND i.state <> 'void'
""")
_RATED = text(
    f"SELECT side, line_id, usage_id, occurred_at, quantity, is_reversal FROM {RATED_EVENTS} r WHERE tenant_id = :t"
)
_LEDGER = text("SELECT id, quantity, occurred_at, is_reversal FROM usage_event WHERE tenant_id = :t")
_VOID_LINES = text("""
    SELECT l.id, l.quantity FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id
     WHERE l.kind = 'usage' AND i.state = 'void'
""")
_CLAIMS = text("SELECT count(*) FILTER (WHERE line_id IS NULL) AS split, count(*) AS rollups FROM rated_rollup")


async def rated_rows(market: Market) -> tuple[Sequence[Any], Sequence[Any]]:
    """The lines of both sides, with their events."""
    async with market.as_staff() as session:
        mine = {"t": market.client.tenant_id}
        return (await session.execute(_LINES, mine)).all(), (await session.execute(_RATED, mine)).all()


async def check_lines(market: Market) -> None:
    """Each event of the ledger is once on each side, at the price of its time; each line has the sum of its events."""
    lines, rated = await rated_rows(market)
    async with market.as_client() as session:
        ledger = {row.id: row for row in await session.execute(_LEDGER, {"t": market.client.tenant_id})}
        assert await find_rollup_differences(session, period=MARCH) == []
    for side in Side:
        assert Counter(row.usage_id for row in rated if row.side == side) == Counter(list(ledger)), side
    for line in lines:
        mine = [row for row in rated if row.line_id == line.id]
        assert line.quantity == sum(row.quantity for row in mine)
        assert line.events == sum(-1 if row.is_reversal else 1 for row in mine)
        assert all(line.valid_from <= row.occurred_at < line.valid_to for row in mine)
        for row in mine:  # a client's own price applies from its start on
            begun = [other.valid_from for other in lines if other.side == line.side]
            assert line.valid_from == max(start for start in begun if start <= row.occurred_at)
        assert all(row.occurred_at == ledger[row.usage_id].occurred_at for row in mine)


async def rate_both(market: Market, now: datetime) -> None:
    period = MARCH if now < MARCH.end else APRIL if now < APRIL.end else MAY
    for side in Side:
        async with market.as_client() as session:
            await rate_period(session, side=side, period=period, now=now)
            await rerate_draft(session, side=side, period=period)
            await draft_invoice(session, side=side, period=period, now=now)


moments = st.integers(0, 4 * 60).map(lambda minutes: START + minutes * MINUTE)
recordings = st.lists(st.tuples(moments, st.integers(0, 9)), min_size=1, max_size=6)
acts = st.one_of(
    st.tuples(st.just("use"), recordings),
    st.tuples(st.just("repeat"), st.integers(0, 9)),
    st.tuples(st.just("reverse"), st.integers(0, 9)),
    st.tuples(st.just("rate"), st.none()),
    st.tuples(st.just("price"), st.integers(1, 239)),
    st.tuples(st.just("close"), st.none()),
    st.tuples(st.just("void"), st.none()),
)


@dataclass
class Course:
    """The recorded history of a client."""

    client: Market
    recorded: list[list[Usage]] = field(default_factory=list)
    reversed_: set[object] = field(default_factory=set)
    now: datetime = START + timedelta(days=1)
    has_own_price: bool = False
    closed: UUID | None = None
    is_void: bool = False

    async def record(self, recording: list[Usage], *repeated: Usage) -> None:
        self.recorded.append(recording)
        await self.client.use(*repeated, *recording)

    async def use(self, value: list[tuple[datetime, int]]) -> None:
        await self.record([Usage(METER, new_id(), quantity, at) for at, quantity in value])

    async def repeat(self, value: int) -> None:
        if self.recorded:
            again = self.recorded[value % len(self.recorded)]
            await self.record([Usage(METER, new_id(), 1, START + 7 * MINUTE)], *again)

    async def reverse(self, value: int) -> None:
        events = [one for recording in self.recorded for one in recording if not one.is_reversal]
        if events and (one := events[value % len(events)]).id not in self.reversed_:
            self.reversed_.add(one.id)
            await self.record([Usage(METER, new_id(), -one.quantity, one.occurred_at, is_reversal=True)])

    async def rate(self, _: None) -> None:
        await rate_both(self.client, self.now)

    async def price(self, value: int) -> None:
        """Set a price that begins within an hour, i.e. within a roll-up."""
        if not self.has_own_price:
            await self.client.open_book(Side.RETAIL, own=True)
            await self.client.price(Side.RETAIL, "0.07", at=START + value * MINUTE, own=True)
            self.has_own_price = True

    async def close(self, _: None) -> None:
        if self.recorded and self.now < MARCH.end:
            self.now = MARCH.end
            for side in Side:
                async with self.client.as_client() as session:
                    made = await close_period(session, side=side, period=MARCH, now=self.now)
                self.closed = made.id if side is Side.RETAIL else self.closed

    async def void(self, _: None) -> None:
        if self.closed and not self.is_void:
            self.is_void = True
            async with self.client.as_client() as session:
                await act_on_invoice(session, self.closed, InvoiceAct.VOID, reason="wrong", now=self.now, new_id=new_id)


_EARLY, _LATE = (START, 3), (START + 45 * MINUTE, 2)


@given(st.lists(acts, min_size=3, max_size=9))
@example([("use", [_EARLY]), ("close", None), ("void", None), ("price", 30), ("reverse", 0), ("void", None)])
@example([("price", 30), ("use", [_EARLY, _LATE]), ("close", None), ("rate", None), ("void", None)])
@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_any_order_of_events_runs_prices_closes_and_voids_gives_each_line_its_events(
    priced: Market, wanted: Sequence[tuple[str, Any]]
) -> None:
    course = Course(client := priced.another_client())
    for act, value in wanted:
        await getattr(course, act)(value)
    await client.use(*uses(1))
    await rate_both(client, course.now)
    # Events of a closed invoice keep their price.
    if course.now < MARCH.end or not course.has_own_price or course.is_void:
        await check_lines(client)
    async with client.as_client() as session:
        shown = await read_usage(session, meter=METER, period=MARCH, by="day", now=course.now)
        quantity = await session.scalar(text("SELECT sum(quantity) FROM usage_event"))
        assert await find_rollup_differences(session, period=MARCH) == []
        for line in await session.execute(_VOID_LINES):
            opened = await events_of(session, line.id)
            assert sum(one.quantity for one in opened.items) == line.quantity, "what it charged, and no more"
    assert shown.quantity == quantity


async def test_a_recording_is_rated_as_one_unless_a_price_begins_within_it(priced: Market) -> None:
    await priced.price(Side.RETAIL, "0.20", at=START + timedelta(minutes=90), included=5)
    for minutes in (0, 60):
        await priced.use(*(Usage(METER, new_id(), 1, START + (minutes + n) * MINUTE) for n in range(60)))
    await priced.use(*uses(30, at=START + timedelta(minutes=100)))
    for side in Side:
        await priced.rate(side)
    async with priced.as_client() as session:
        assert tuple((await session.execute(_CLAIMS)).one()) == (1, 3), "the second hour has two prices"
        assert await session.scalar(text("SELECT count(*) FROM rated_usage")) == 60
    await check_lines(priced)


async def test_a_line_of_roll_ups_and_of_single_events_is_paged_in_the_order_of_its_events(priced: Market) -> None:
    await priced.price(Side.RETAIL, "0.20", at=START + timedelta(minutes=90))
    ids = []
    for minutes in range(0, 90, 18):  # the fourth reaches into the second price
        recording = [Usage(METER, new_id(), n, START + (minutes + n) * MINUTE) for n in range(36)]
        ids += [one.id for one in recording if one.occurred_at < START + timedelta(minutes=90)]
        await priced.use(*recording)
    await priced.rate(Side.RETAIL)
    async with priced.as_client() as session:
        line = (await session.execute(text("SELECT id, events FROM invoice_line ORDER BY first_at LIMIT 1"))).one()
        found, cursor = [], ""
        while True:
            page = await events_of(session, line.id, cursor=cursor, limit=25)
            found += [item.id for item in page.items]
            if not (cursor := page.next_cursor or ""):
                break
    assert found == sorted(ids)
    assert line.events == len(ids)


async def test_two_runs_and_reports_at_once_leave_no_event_out_and_none_twice(priced: Market) -> None:
    batches = [uses(7, at=START + minutes * MINUTE) for minutes in range(0, 60, 10)]
    await asyncio.gather(*(priced.use(*batch) for batch in batches), *(priced.rate(side) for side in Side),
                         *(priced.rate(Side.RETAIL) for _ in range(2)))  # fmt: skip
    for side in Side:
        await priced.rate(side)
    await check_lines(priced)


async def test_a_roll_up_that_differs_from_its_events_is_found(priced: Market) -> None:
    await priced.use(*uses(3, quantity=2), *uses(1, at=START + timedelta(hours=2)))
    async with priced.as_client() as session:
        await session.execute(
            text("""
                INSERT INTO usage_event (tenant_id, msp_id, meter, id, quantity, occurred_at)
                VALUES (:t, :m, :meter, :id, :quantity, :at)
            """),
            {"t": priced.client.tenant_id, "m": priced.client.msp_id, "meter": METER, "id": new_id(),
             "quantity": Decimal("1.5"), "at": START},
        )  # fmt: skip
    async with priced.as_client() as session:
        [found] = await find_rollup_differences(session, period=MARCH)
        assert (found.meter, found.hour, found.events, found.quantity) == (METER, START, 1, Decimal("1.5"))
        assert await find_rollup_differences(session, period=APRIL) == []
    stranger = priced.another_client()
    async with stranger.as_client() as session:
        assert await find_rollup_differences(session, period=MARCH) == []


@pytest.mark.parametrize(
    "statement",
    ["UPDATE usage_rollup SET quantity = 0", "DELETE FROM usage_rollup", "UPDATE rated_rollup SET quantity = 0"],
)
async def test_roll_ups_are_not_changed(priced: Market, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with priced.as_client() as session:
            await session.execute(text(statement))


async def test_a_roll_up_is_taken_off_no_invoice_that_is_not_void(priced: Market) -> None:
    await priced.use(*uses(3))
    await priced.rate(Side.RETAIL)
    async with priced.as_client() as session:
        assert (await session.execute(text("DELETE FROM rated_rollup RETURNING 1"))).all() == []
        assert await session.scalar(text("SELECT count(*) FROM rated_rollup")) == 1
