"""Coupons: amounts used by drafts and invoices, and eligible clients."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.coupons.client_coupons import end_coupon, give_coupon, load_client_coupons
from billing.coupons.coupons import create_coupon, find_coupon
from billing.coupons.credited import GivenCredit, credited_part
from billing.coupons.fees import without_credits
from billing.coupons.schemas import ClientCouponView, CouponInput, EndCouponInput, GiveCouponInput
from billing.coupons.terms import CouponDuration
from billing.fees import ChargedLine
from billing.invoices.draft import DraftInvoice, close_period, draft_invoice
from billing.invoices.settle import InvoiceAct, NewCredit, act_on_invoice, create_credit_note
from billing.line_kinds import LineKind
from billing.periods import Period
from billing.sides import Side
from billing.subscriptions.states import StepKind
from foundation.database.engine import change_scope
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import new_id
from tests.billing.conftest import APRIL, MARCH, METER, Market, uses
from tests.billing.subscriptions.test_drafts import act, begin, bill, fix, lines, offer
from tests.conftest import make_scope

OTHER = "copilot.question"


async def make(market: Market, code: str, **terms: object) -> None:
    async with market.as_msp_account() as session:
        new = CouponInput(code=code, name=f"Offer {code}", valid_from=MARCH.start.date(), **terms)  # type: ignore[arg-type]
        await create_coupon(session, new, now=market.now, new_id=new_id)


async def give(market: Market, code: str, month: str = "2026-03") -> None:
    async with market.as_staff() as session:
        found = await find_coupon(session, code, now=market.now)
        await change_scope(session, market.client)
        await give_coupon(session, found, GiveCouponInput(code, "loyal", month), now=market.now, new_id=new_id)


async def drafted(market: Market, period: Period = MARCH) -> DraftInvoice:
    async with market.as_client() as session:
        made = await draft_invoice(session, side=Side.RETAIL, period=period, now=market.now)
    assert made
    return made


async def close(market: Market, period: Period) -> DraftInvoice:
    async with market.as_client() as session:
        return await close_period(session, side=Side.RETAIL, period=period, now=period.end + timedelta(days=1))


async def coupons(market: Market) -> dict[str, ClientCouponView]:
    async with market.as_client() as session:
        return {one.code: one for one in await load_client_coupons(session)}


@pytest.fixture
async def selling(priced: Market) -> Market:
    """March has 10.00 of one meter and 3.33 of another, April 5.00 of the first."""
    await priced.price(Side.RETAIL, "1.11", meter=OTHER)
    await priced.use(*uses(105), *uses(3, meter=OTHER), *uses(55, at=APRIL.start))
    await priced.rate(Side.RETAIL)
    await priced.rate(Side.RETAIL, APRIL)
    return priced


async def test_a_percentage_is_of_the_sum_and_spread_over_the_products(selling: Market) -> None:
    await make(selling, "TENTH", percent=Decimal(10), duration=CouponDuration.MONTHS, months=1)
    await make(selling, "ONE", percent=Decimal(50), only=[OTHER])
    await give(selling, "TENTH")
    await give(selling, "one")
    made = await drafted(selling)
    assert made.total_minor == 1333 - 133 - 150  # half of 3.33 less its 0.33 is 1.50
    assert await drafted(selling) == made
    used = await coupons(selling)
    assert [use.amount_minor for use in used["TENTH"].uses] == [133]
    assert (used["TENTH"].uses[0].is_draft, used["TENTH"].used_minor) == (True, 0)
    assert (await drafted(selling, APRIL)).total_minor == 500, "both are used by the draft of March"
    async with selling.another_client().as_client() as session:
        assert await load_client_coupons(session) == []


async def test_the_rest_of_an_amount_is_usable_later_and_restored_by_a_void(selling: Market) -> None:
    await make(selling, "GIFT", amount_minor=1500, currency="EUR")
    await make(selling, "DOLLAR", amount_minor=1500, currency="USD")
    await give(selling, "GIFT")
    await give(selling, "DOLLAR")
    first = await close(selling, MARCH)
    assert (first.total_minor, (await coupons(selling))["GIFT"].left_minor) == (0, 167)
    second = await close(selling, APRIL)
    assert second.total_minor == 500 - 167
    gift = (await coupons(selling))["GIFT"]
    assert ([use.amount_minor for use in gift.uses], gift.left_minor) == ([1333, 167], 0)
    async with selling.as_client() as session:
        now = APRIL.end + timedelta(days=2)
        await act_on_invoice(session, second.id, InvoiceAct.VOID, reason="wrong", now=now, new_id=new_id)
    assert (await coupons(selling))["GIFT"].left_minor == 167


def test_credits_reduce_what_a_coupon_can_take_off() -> None:
    lines = [
        ChargedLine(new_id(), kind, "a", amount)
        for kind, amount in ((LineKind.USAGE, 600), (LineKind.SUBSCRIPTION, 400), (LineKind.SLA_CREDIT, -100))
    ]
    assert without_credits(lines) == [540, 360, 0]


def test_a_credit_reduces_its_own_product_first() -> None:
    lines = [
        ChargedLine(new_id(), LineKind.SUBSCRIPTION, "a", 600), ChargedLine(new_id(), LineKind.SUBSCRIPTION, "b", 300),
        ChargedLine(new_id(), LineKind.PRORATION_CREDIT, "b", -400),
    ]  # fmt: skip
    assert without_credits(lines) == [500, 0, 0]
    assert without_credits(lines, apart={2}) == [600, 300, 0]


@pytest.mark.parametrize(
    ("coupon", "april"),
    [
        ("2026-03", [("discount_back", 800), ("proration_charge", 3200), ("proration_credit", -1600)]),
        ("2026-04", [("discount", -4700), ("proration_charge", 3200), ("proration_credit", -1600)]),
    ],
)  # fmt: skip
async def test_a_credit_gives_back_what_was_paid(priced: Market, coupon: str, april: list[tuple[str, int]]) -> None:
    await offer(priced, "basic", "31")
    await offer(priced, "pro", "62")
    one = await begin(priced, "basic", MARCH.start)
    await make(priced, "HALF", percent=Decimal(50), duration=CouponDuration.MONTHS, months=1)
    await give(priced, "HALF", coupon)
    await bill(priced, MARCH.start)
    await fix(priced)
    priced.now = APRIL.start + timedelta(days=9)
    await act(priced, one, StepKind.CHANGE, plan="pro", at=MARCH.start + timedelta(days=15))
    for _ in range(2):
        await bill(priced, priced.now)
        found = [(kind, amount) for kind, _, amount in (await lines(priced))["04"]]
        assert sorted(found) == sorted([*april, ("subscription", 6200)])


@pytest.mark.parametrize(("of", "minor", "back"), [("all", None, 1600), ("line", 1550, 800), ("all", 1550, 800)])
async def test_a_credit_does_not_give_back_what_a_credit_note_did(
    priced: Market, of: str, minor: int | None, back: int
) -> None:
    await offer(priced, "basic", "31")
    await offer(priced, "pro", "62")
    one = await begin(priced, "basic", MARCH.start)
    await bill(priced, MARCH.start)
    await fix(priced)
    async with priced.as_client() as session:
        line = (await session.execute(text("SELECT id, invoice_id FROM invoice_line"))).one()
        note = NewCredit(reason="an outage", net_minor=minor, lines={line.id: minor} if of == "line" and minor else {})
        await create_credit_note(session, line.invoice_id, note, now=MARCH.start, new_id=new_id)
    priced.now = APRIL.start + timedelta(days=9)
    await act(priced, one, StepKind.CHANGE, plan="pro", at=MARCH.start + timedelta(days=15))
    await bill(priced, priced.now)
    found = sorted((kind, amount) for kind, _, amount in (await lines(priced))["04"])
    assert found == [
        ("discount_back", back), ("proration_charge", 3200), ("proration_credit", -1600), ("subscription", 6200),
    ]  # fmt: skip


@pytest.mark.parametrize(("coupon", "left"), [("2026-05", 1500), ("2026-03", 750)])
async def test_a_credit_note_gives_back_no_time_that_a_later_invoice_did(
    priced: Market, coupon: str, left: int
) -> None:
    """31.00 for March, of which April gives back 16.00 (of 31 days); with a coupon for half the price, half of both."""
    await offer(priced, "basic", "31")
    await offer(priced, "free", "0")
    one = await begin(priced, "basic", MARCH.start)
    await make(priced, "HALF", percent=Decimal(50), duration=CouponDuration.MONTHS, months=1)
    await give(priced, "HALF", coupon)
    march = await close(priced, MARCH)
    priced.now = APRIL.start + timedelta(days=9)
    await act(priced, one, StepKind.CHANGE, plan="free", at=MARCH.start + timedelta(days=15))
    await close(priced, APRIL)
    async with priced.as_client() as session:
        line = await session.scalar(text("SELECT id FROM invoice_line WHERE amount_minor = 3100"))
        too_much = (NewCredit(reason="x", lines={line: 2400}), NewCredit(reason="x", net_minor=left + 1))
        for wrong in too_much:
            with pytest.raises(Conflict):
                await create_credit_note(session, march.id, wrong, now=priced.now, new_id=new_id)
        await create_credit_note(session, march.id, NewCredit(reason="x"), now=priced.now, new_id=new_id)
        assert await session.scalar(text("SELECT net_minor FROM credit_note")) == left
        with pytest.raises(Conflict):
            await create_credit_note(session, march.id, NewCredit(reason="x"), now=priced.now, new_id=new_id)


@pytest.mark.parametrize(("only", "left"), [(None, 1500), (["basic"], 750)])
async def test_a_line_is_credited_up_to_its_charge_after_the_invoices_own_credits(
    priced: Market, only: list[str] | None, left: int
) -> None:
    """31.00 for March, of which the same invoice gives back 16.00, and with a coupon half of the rest."""
    await offer(priced, "basic", "31")
    await offer(priced, "pro", "62")
    one = await begin(priced, "basic", MARCH.start)
    if only:
        await make(priced, "HALF", percent=Decimal(50), only=only)
        await give(priced, "HALF")
    await act(priced, one, StepKind.CHANGE, plan="pro", at=MARCH.start + timedelta(days=15))
    march = await close(priced, MARCH)
    assert march.total_minor == left + 3200
    async with priced.as_client() as session:
        line = await session.scalar(text("SELECT id FROM invoice_line WHERE amount_minor = 3100"))
        notes = [NewCredit(reason="x", lines={line: minor}) for minor in (left + 1, left, 1)]
        with pytest.raises(Conflict, match="this line"):
            await create_credit_note(session, march.id, notes[0], now=APRIL.end, new_id=new_id)
        await create_credit_note(session, march.id, notes[1], now=APRIL.end, new_id=new_id)
        with pytest.raises(Conflict, match="this line"):
            await create_credit_note(session, march.id, notes[2], now=APRIL.end, new_id=new_id)


async def test_what_is_charged_again_has_the_coupon_of_its_own_month(selling: Market) -> None:
    """Usage and fee of March have half the price on the invoice of April, too; those of April have not."""
    await offer(selling, "basic", "31")
    await begin(selling, "basic", MARCH.start)
    half = {"percent": Decimal(50), "duration": CouponDuration.FOREVER}
    await make(selling, "SPRING", **half, valid_until=date(2026, 3, 31))
    await give(selling, "SPRING")
    first = await close(selling, MARCH)
    assert first.total_minor == 4433 - 2217
    async with selling.as_client() as session:
        now = APRIL.start + timedelta(days=2)
        await act_on_invoice(session, first.id, InvoiceAct.VOID, reason="wrong", now=now, new_id=new_id)
    for _ in range(2):
        await bill(selling, APRIL.start + timedelta(days=3))
        assert (await drafted(selling, APRIL)).total_minor == first.total_minor + 500 + 3100
    uses_ = (await coupons(selling))["SPRING"].uses
    assert [(use.month, use.amount_minor) for use in uses_] == [(APRIL.start.date(), 2217)]


def test_a_credit_note_of_the_seats_leaves_the_credit_of_the_fee() -> None:
    def line(amount: int, component: str, kind: LineKind = LineKind.SUBSCRIPTION) -> ChargedLine:
        cause = {"subscription_id": "s", "fee": f"s {component} 1.0"}
        return ChargedLine(new_id(), kind, "basic", amount, MARCH.start, MARCH.end, cause)

    fee, seats, usage = line(1000, "fee"), line(600, "seats"), ChargedLine(new_id(), LineKind.USAGE, METER, 400)
    notes = [GivenCredit(600, {seats.id: 600}), GivenCredit(350, {})]
    back = [line(-1, f"{component} credit", LineKind.PRORATION_CREDIT) for component in ("fee", "seats")]
    parts = [credited_part([fee, seats, usage], notes, one, Fraction(1)) for one in back]
    assert parts == [Fraction(350, 1400), 1]
    assert credited_part([fee, seats, usage], (), back[0], Fraction(1)) == 0


async def test_without_a_month_a_coupon_begins_with_that_of_the_clients_calendar(
    priced: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.coupons.client_coupons.load_time_zone", in_berlin)
    await make(priced, "NEXT", percent=Decimal(50))
    priced.now = APRIL.start - timedelta(minutes=30)
    await give(priced, "NEXT", "")
    assert (await coupons(priced))["NEXT"].from_month == APRIL.start.date()


async def in_berlin(_: AsyncSession) -> str:
    return "Europe/Berlin"


async def test_an_ended_coupon_and_one_that_is_no_longer_valid_discount_nothing(selling: Market) -> None:
    await make(selling, "SPRING", percent=Decimal(100), duration=CouponDuration.FOREVER, valid_until=date(2026, 3, 31))
    await give(selling, "SPRING")
    assert [(await drafted(selling, one)).total_minor for one in (MARCH, APRIL)] == [0, 500]
    async with selling.as_client() as session:
        await end_coupon(session, EndCouponInput("SPRING", "over"), now=selling.now, new_id=new_id)
    assert (await drafted(selling)).total_minor == 1333
    async with selling.as_client() as session:
        with pytest.raises(NotFound):
            await end_coupon(session, EndCouponInput("SPRING", "over"), now=selling.now, new_id=new_id)


async def test_a_coupon_is_given_to_no_more_clients_than_its_limit(selling: Market) -> None:
    await make(selling, "FEW", percent=Decimal(5), max_clients=2)
    markets = [selling, *(selling.another_client() for _ in range(4))]
    results = await asyncio.gather(*(give(one, "FEW") for one in markets), return_exceptions=True)
    assert [type(one) for one in results if one is not None] == [Conflict] * 3
    with pytest.raises(InvalidInput, match="no coupon"):
        await give(Market(selling.db, (stranger := make_scope()), stranger), "FEW")


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({}, "percent"), ({"percent": Decimal(101)}, "percent"), ({"percent": Decimal("NaN")}, "percent"),
        ({"amount_minor": 5}, "currency"), ({"amount_minor": 5, "currency": "XXX"}, "currency"),
        ({"percent": Decimal(5), "duration": CouponDuration.MONTHS}, "months"),
        ({"percent": Decimal(5), "recurring": True}, "recurring"), ({"percent": Decimal(5), "only": ["a b"]}, "only"),
    ],
)  # fmt: skip
async def test_invalid_terms_are_refused(market: Market, terms: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await make(market, "WRONG", **terms)
    assert refused.value.extra["field"] == field
