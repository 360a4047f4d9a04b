"""Rating: each event is on one line per side, at the price of its own time, and never free without a price."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.errors import MspAccountNotBilled, PeriodClosed, PriceNotAllowed
from billing.invoices.draft import close_period, draft_invoice, draft_wholesale
from billing.periods import month_of
from billing.rating.rate_usage import pending_periods, rate_period, rerate_draft
from billing.sides import Side
from canonical.currencies import DIGITS, FORMER
from foundation.errors import Conflict
from foundation.ids import new_id
from foundation.usage.ledger import Usage
from tests.billing.conftest import APRIL, MARCH, METER, START, Market, uses


async def test_one_usage_makes_two_drafts(priced: Market) -> None:
    await priced.use(*uses(12))

    retail = await priced.rate(Side.RETAIL)
    wholesale = await priced.rate(Side.WHOLESALE)

    assert retail is not None
    assert wholesale is not None
    assert (retail.events, retail.total_minor, retail.currency) == (12, 70, "EUR")
    assert (wholesale.events, wholesale.total_minor) == (12, 36)


async def test_a_rerun_gives_the_identical_hash_and_writes_nothing(priced: Market) -> None:
    await priced.use(*uses(12))
    first = await priced.rate(Side.RETAIL)
    priced.now += timedelta(days=1)

    assert await priced.rate(Side.RETAIL) == first
    async with priced.as_client() as session:
        assert await session.scalar(text("SELECT updated_at FROM invoice")) == START


async def test_the_same_use_reported_twice_is_billed_once(priced: Market) -> None:
    use = uses(3)
    await priced.use(*use)
    first = await priced.rate(Side.RETAIL)
    await priced.use(*use)
    assert await priced.rate(Side.RETAIL) == first


async def test_a_change_of_price_in_mid_period_makes_two_lines_and_one_allowance(priced: Market) -> None:
    middle = START + timedelta(days=14)
    await priced.price(Side.RETAIL, "0.20", at=middle, included=5)
    await priced.use(*uses(3), *uses(4, at=middle))

    draft = await priced.rate(Side.RETAIL)

    assert draft is not None
    async with priced.as_client() as session:
        lines = (await session.execute(text("SELECT * FROM invoice_line ORDER BY unit_price"))).all()
    assert [(line.quantity, line.included, line.amount_minor) for line in lines] == [(3, 3, 0), (4, 2, 40)]
    assert draft.total_minor == 40


async def test_use_without_a_price_is_not_billed_for_nothing(priced: Market) -> None:
    await priced.use(*uses(2), *uses(1, meter="copilot.answer"), *uses(1, at=START - timedelta(days=1)))
    draft = await priced.rate(Side.RETAIL)
    assert draft is not None
    assert draft.events == 2


async def test_a_price_set_later_bills_usage_that_had_none(priced: Market) -> None:
    await priced.use(*uses(2, meter="copilot.answer"))
    assert await priced.rate(Side.RETAIL) is None
    priced.now = START + timedelta(days=3)
    await priced.price(Side.RETAIL, "1", meter="copilot.answer")
    draft = await priced.rate(Side.RETAIL)
    assert draft is not None
    assert draft.total_minor == 200


async def test_late_use_goes_to_the_open_draft_at_the_price_and_allowance_of_its_own_time(priced: Market) -> None:
    await priced.price(Side.RETAIL, "0.50", at=APRIL.start)
    await priced.use(*uses(4))
    priced.now = APRIL.start + timedelta(days=1)
    async with priced.as_client() as session:
        march = await close_period(session, side=Side.RETAIL, period=MARCH, now=priced.now)
    assert march.total_minor == 0

    await priced.use(*uses(3, at=START + timedelta(days=20)), *uses(1, at=APRIL.start))
    april = await priced.rate(Side.RETAIL, APRIL)

    assert april is not None
    assert april.total_minor == 2 * 10 + 50  # one more of March's five included units
    async with priced.as_client() as session:
        with pytest.raises(PeriodClosed):
            await rate_period(session, side=Side.RETAIL, period=MARCH, now=priced.now)
        closed = await session.scalar(text("SELECT content_hash FROM invoice WHERE state = 'finalised'"))
    assert closed == march.content_hash


async def test_late_use_of_an_older_month_is_billed_past_months_without_usage(priced: Market) -> None:
    """March is closed, April has no usage, May is closed; usage of all three months arrives in June."""
    may, june = month_of(APRIL.end), month_of(month_of(APRIL.end).end)
    priced.now = june.start
    for period, quantity in ((MARCH, 5), (may, 6)):
        await priced.use(*uses(quantity, at=period.start))
        async with priced.as_client() as session:
            await close_period(session, side=Side.RETAIL, period=period, now=priced.now)
    await priced.use(*uses(1, at=MARCH.start), *uses(6, at=APRIL.start), *uses(2, at=may.start))

    draft = await priced.rate(Side.RETAIL, june)

    assert draft is not None
    assert (draft.events, draft.lines) == (9, 3)
    assert draft.total_minor == 10 + 10 + 20  # April's own five included units
    async with priced.as_client() as session:
        assert await rerate_draft(session, side=Side.RETAIL, period=june) == 0
    assert await priced.rate(Side.RETAIL, june) == draft


async def test_a_closed_invoice_and_its_lines_cannot_be_changed_even_by_sql(priced: Market) -> None:
    await priced.use(*uses(9))
    priced.now = APRIL.start
    async with priced.as_client() as session:
        await close_period(session, side=Side.RETAIL, period=MARCH, now=priced.now)
    with pytest.raises(DBAPIError, match="row-level security"):
        async with priced.as_client() as session:
            await session.execute(text("UPDATE invoice SET total_minor = 1"))
    async with priced.as_client() as session:
        for statement in (
            "UPDATE invoice_line SET amount_minor = 1 RETURNING 1",
            "DELETE FROM invoice_line RETURNING 1",
        ):
            assert (await session.execute(text(statement))).all() == []


async def test_a_period_closes_after_its_end_once_and_in_order(priced: Market) -> None:
    await priced.use(*uses(1), *uses(1, at=APRIL.start))
    priced.now = APRIL.end
    async with priced.as_client() as session:
        with pytest.raises(Conflict, match="not over"):
            await close_period(session, side=Side.RETAIL, period=MARCH, now=MARCH.start)
        await rate_period(session, side=Side.RETAIL, period=MARCH, now=priced.now)
        with pytest.raises(Conflict, match="earlier period"):
            await close_period(session, side=Side.RETAIL, period=APRIL, now=priced.now)
        await close_period(session, side=Side.RETAIL, period=MARCH, now=priced.now)
        await close_period(session, side=Side.RETAIL, period=APRIL, now=priced.now)
        with pytest.raises(PeriodClosed):
            await close_period(session, side=Side.RETAIL, period=APRIL, now=priced.now)
        with pytest.raises(PeriodClosed, match="can no longer change"):
            await draft_invoice(session, side=Side.RETAIL, period=MARCH, now=priced.now)


async def test_a_clients_audit_trail_does_not_contain_wholesale_prices(priced: Market) -> None:
    await priced.use(*uses(12))
    priced.now = MARCH.end
    for side in (Side.WHOLESALE, Side.RETAIL):
        async with priced.as_client() as session:
            closed = await close_period(session, side=side, period=MARCH, now=priced.now)
    async with priced.as_client() as session:
        subjects = await session.scalars(text("SELECT subject FROM audit_entry WHERE action = 'invoice.closed'"))
        assert subjects.all() == [f"invoice:{closed.id}"]


async def test_rerating_changes_money_never_quantity(priced: Market) -> None:
    await priced.use(*uses(10))
    before = await priced.rate(Side.RETAIL)
    await priced.open_book(Side.RETAIL, own=True)
    await priced.price(Side.RETAIL, "0.07", own=True)
    assert await priced.rate(Side.RETAIL) == before

    async with priced.as_client() as session:
        assert await rerate_draft(session, side=Side.RETAIL, period=MARCH) == 10
        after = await draft_invoice(session, side=Side.RETAIL, period=MARCH, now=priced.now)

    assert before is not None
    assert after is not None
    assert (before.events, before.total_minor) == (10, 50)
    assert (after.events, after.total_minor, after.lines) == (10, 70, 1)
    async with priced.as_client() as session:
        line = (await session.execute(text("SELECT * FROM invoice_line"))).one()
    assert (line.quantity, line.unit_price) == (10, Decimal("0.07"))


async def test_a_client_with_its_own_book_falls_back_to_the_common_one_of_the_same_currency(priced: Market) -> None:
    await priced.open_book(Side.RETAIL, own=True)
    await priced.price(Side.RETAIL, "0.07", own=True)
    await priced.price(Side.RETAIL, "2", meter="copilot.answer")
    neighbour = priced.another_client()
    for client in (priced, neighbour):
        await client.use(*uses(10), *uses(1, meter="copilot.answer"))

    mine, theirs = await priced.rate(Side.RETAIL), await neighbour.rate(Side.RETAIL)

    assert mine is not None
    assert theirs is not None
    assert (mine.total_minor, theirs.total_minor) == (70 + 200, 50 + 200)


async def test_a_clients_own_currency_leaves_the_common_book_aside(priced: Market) -> None:
    await priced.open_book(Side.RETAIL, "JPY", own=True)
    await priced.price(Side.RETAIL, "2.5", own=True)
    await priced.price(Side.RETAIL, "2", meter="copilot.answer")
    await priced.use(*uses(5), *uses(1, meter="copilot.answer"))
    draft = await priced.rate(Side.RETAIL)
    assert draft is not None
    assert (draft.currency, draft.events, draft.total_minor) == ("JPY", 5, 13)


async def test_the_wholesale_invoice_sums_its_clients(priced: Market) -> None:
    neighbour = priced.another_client()
    await priced.use(*uses(10))
    await neighbour.use(*uses(5))
    parts = [await client.rate(Side.WHOLESALE) for client in (priced, neighbour)]

    async with priced.as_msp_account() as session:
        whole = await draft_wholesale(session, period=MARCH, now=priced.now)
        again = await draft_wholesale(session, period=MARCH, now=priced.now + timedelta(hours=1))

    assert whole is not None
    assert whole == again
    assert whole.lines == 2
    assert whole.events == 15
    assert whole.total_minor == sum(part.total_minor for part in parts if part) == 45


async def test_only_a_clients_usage_is_rated(priced: Market) -> None:
    async with priced.as_msp_account() as session:
        with pytest.raises(MspAccountNotBilled):
            await rate_period(session, side=Side.RETAIL, period=MARCH, now=priced.now)


async def test_pending_periods_are_this_month_and_open_months_with_unrated_use(priced: Market) -> None:
    await priced.use(*uses(2))
    now = APRIL.end + timedelta(days=2)
    async with priced.as_client() as session:
        assert await pending_periods(session, side=Side.RETAIL, now=now) == [MARCH, month_of(now)]
    await priced.rate(Side.RETAIL)
    async with priced.as_client() as session:
        assert await pending_periods(session, side=Side.RETAIL, now=now) == [month_of(now)]


async def test_nothing_used_makes_no_invoice(priced: Market) -> None:
    assert await priced.rate(Side.RETAIL) is None
    async with priced.as_client() as session:
        assert await session.scalar(text("SELECT count(*) FROM invoice")) == 0


async def test_two_rating_runs_at_once_bill_each_event_once(priced: Market) -> None:
    await priced.use(*uses(50))
    await asyncio.gather(*(priced.rate(Side.RETAIL) for _ in range(4)))
    async with priced.as_client() as session:
        lines = await session.execute(text("SELECT meter, events, quantity FROM invoice_line"))
    assert [tuple(line) for line in lines] == [(METER, 50, 50)]


async def test_a_price_book_works_after_iso_drops_its_currency(priced: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    await priced.use(*uses(12))
    monkeypatch.delitem(DIGITS, "EUR")
    monkeypatch.setitem(FORMER, "EUR", 2)

    retail = await priced.rate(Side.RETAIL)

    assert retail is not None
    assert (retail.events, retail.total_minor, retail.currency) == (12, 70, "EUR")
    with pytest.raises(PriceNotAllowed):
        await priced.open_book(Side.RETAIL, own=True)


async def test_fractions_and_reversals_are_rated_exactly(market: Market) -> None:
    await market.open_book(Side.RETAIL)
    await market.price(Side.RETAIL, "0.40")
    amounts = [Decimal("1.123456789"), Decimal("0.25"), Decimal("-0.25")]
    await market.use(*(Usage(METER, new_id(), amount, START) for amount in amounts))

    draft = await market.rate(Side.RETAIL)

    assert draft is not None
    assert (draft.events, draft.total_minor) == (3, 45)
    async with market.as_client() as session:
        assert await session.scalar(text("SELECT quantity FROM invoice_line")) == Decimal("1.123456789")


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "1e19", "0.0000000001"])
async def test_a_quantity_that_is_not_a_number_or_has_too_many_decimals_is_refused(
    market: Market, quantity: str
) -> None:
    with pytest.raises(DBAPIError):
        await market.use(Usage(METER, new_id(), Decimal(quantity), START))
