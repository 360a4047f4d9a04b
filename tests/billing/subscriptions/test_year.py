"""A year of 200 clients: months are closed, steps are recorded late, and all is charged once, as by an oracle."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from sqlalchemy import text

from billing.jobs import rate_client
from billing.periods import EPOCH, month_of
from billing.subscriptions.acts import add_step, subscribe
from billing.subscriptions.charges import fees_of
from billing.subscriptions.placement import Charged, PlacedFee, place_fees
from billing.subscriptions.schemas import StepInput, SubscriptionInput
from billing.subscriptions.states import StepKind
from billing.subscriptions.timeline import Subscribed, TimelineStep
from billing.subscriptions.views import load_subscription
from foundation.ids import new_id
from tests.billing.conftest import Market
from tests.billing.subscriptions.samples import RULES, at, plan, step, subscribed, total
from tests.billing.subscriptions.test_drafts import fix, offer

ZONES = ("UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
DAYS = (date(2027, 12, 31), date(2028, 2, 29), date(2028, 1, 31), date(2028, 1, 1), date(2028, 3, 14))
END = at(2029, 9, 1)


def plans_of(*, in_advance: bool) -> Sequence[Any]:
    prices = (("small", "9.99", "1"), ("middle", "31", "2.345"), ("large", "120.05", "0.07"))
    return [
        plan(fee, f"{code} {in_advance}", seat_price=Decimal(seat), in_advance=in_advance)
        for code, fee, seat in prices
    ]  # fmt: skip


def client(number: int) -> tuple[Subscribed, dict[int, datetime]]:
    """A subscription with its steps in order and the times of their recording, up to two months late."""
    draw = Random(number)
    day, zone = DAYS[number % 5], ZONES[number // 5 % 5]
    offered = plans_of(in_advance=number % 3 > 0)
    one = subscribed(
        datetime.combine(day, time(12), UTC), draw.choice(offered), zone=zone, calendar=number % 2 == 0, quantity=3
    )
    moment, steps, paused = one.starts_at, list[TimelineStep](), False
    for count in range(1, draw.randint(2, 7)):
        moment += timedelta(seconds=draw.randint(1, 70 * 86400))
        if paused or draw.random() < 0.3:
            paused = not paused
            steps.append(step(count, StepKind.PAUSE if paused else StepKind.RESUME, moment))
        else:
            steps.append(
                step(count, StepKind.CHANGE, moment, plan=draw.choice([None, *offered]), quantity=draw.randint(0, 40))
            )
    steps.append(step(9, StepKind.CANCEL, moment + timedelta(seconds=draw.randint(1, 50 * 86400))))
    recorded = {one.number: one.at + timedelta(days=draw.choice([0, 0, 9, 60])) for one in steps}
    return replace(one, steps=steps), recorded


def test_200_clients_are_charged_each_fee_once_and_as_the_oracle_computes() -> None:
    corrections = 0
    for number in range(200):
        one, recorded = client(number)
        charged, month = dict[str, Charged](), month_of(one.starts_at)
        fixed_until = EPOCH
        while month.start < END:
            known = [each for each in one.steps if recorded[each.number] <= month.end + timedelta(days=3)]
            due = fees_of(replace(one, steps=known), month.end, RULES)
            for placed in place_fees(due, charged, fixed_until).get(month.start, ()):
                charged[placed.key] = add(charged.get(placed.key), placed)
                corrections += placed.fee is None
            fixed_until, month = month.end, month_of(month.end)
        fees = fees_of(one, END, RULES)
        assert {key: each.amount_minor for key, each in charged.items() if each.amount_minor} == {
            fee.key: fee.amount_minor for fee in fees if fee.amount_minor
        }, number
        assert abs(total(fees) - expected(one)) <= Fraction(len(fees), 2), number
    assert corrections > 50


def add(before: Charged | None, placed: PlacedFee) -> Charged:
    return Charged(
        key=placed.key, subscription_id=placed.subscription_id, plan=placed.plan, name=placed.name,
        service_from=placed.service_from, service_until=placed.service_until,
        amount_minor=placed.amount_minor + (before.amount_minor if before else 0),
    )  # fmt: skip


def expected(one: Subscribed) -> Fraction:
    """Unrounded cost of the time in minor units: the price at each time, divided by its month's length."""
    steps = sorted(one.steps, key=lambda each: each.at)
    end = steps[-1].at
    cost = Fraction(0)
    for start, stop, share in months(one, end):
        edges = sorted({start, min(stop, end), *(each.at for each in steps if start < each.at < min(stop, end))})
        for first, last in pairwise(edges):
            cost += price(one, steps, first) * share * Fraction(seconds(first, last), seconds(start, stop))
    return cost


def seconds(first: datetime, last: datetime) -> int:
    return (last - first) // timedelta(microseconds=1)


def price(one: Subscribed, steps: Sequence[TimelineStep], moment: datetime) -> Fraction:
    chosen, quantity, paused = one.plan, one.quantity, False
    for each in steps:
        if each.at <= moment:
            chosen, quantity = each.plan or chosen, quantity if each.quantity is None else each.quantity
            paused = each.kind is StepKind.PAUSE or (paused and each.kind is not StepKind.RESUME)
    terms = chosen.terms
    return Fraction(0) if paused else (Fraction(terms.fee) + Fraction(terms.seat_price) * quantity) * 100


def months(one: Subscribed, end: datetime) -> Sequence[tuple[datetime, datetime, Fraction]]:
    """Periods with their share of the price: the first period of a calendar is charged by days."""
    zone = ZoneInfo(one.zone)
    begin = one.starts_at.astimezone(zone).date()
    found, number, share = list[tuple[datetime, datetime, Fraction]](), 1, Fraction(1)
    day = begin
    if one.calendar:
        length = monthrange(begin.year, begin.month)[1]
        share = Fraction(length - begin.day + 1, length)
    while datetime.combine(day, time(), zone) < end:
        year, month = divmod(begin.year * 12 + begin.month - 1 + number, 12)
        last = monthrange(year, month + 1)[1]
        after = date(year, month + 1, 1 if one.calendar else min(begin.day, last))
        bounds = [datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, after)]
        found.append((bounds[0], bounds[1], share))
        day, number, share = after, number + 1, Fraction(1)
    return found


async def test_a_client_of_the_same_year_through_its_invoices(priced: Market) -> None:
    for code, fee in (("small", "9.99"), ("large", "120.05")):
        await offer(priced, code, fee, seat_price=Decimal("2.345"))
    acts = {
        2: StepInput(kind=StepKind.CHANGE, plan="large"), 3: StepInput(kind=StepKind.PAUSE),
        4: StepInput(kind=StepKind.RESUME), 5: StepInput(kind=StepKind.CHANGE, quantity=40),
        6: StepInput(kind=StepKind.CHANGE, plan="small", when="now"),
        8: StepInput(kind=StepKind.CHANGE, quantity=1), 11: StepInput(kind=StepKind.CANCEL, when="now"),
    }  # fmt: skip
    new = SubscriptionInput(plan="small", quantity=3, starts_on=date(2028, 1, 31), calendar=False)
    priced.now = at(2028, 1, 31, 10)
    async with priced.as_client() as session:
        one = await subscribe(session, "Europe/Paris", new, now=priced.now, new_id=new_id)
    for number in range(1, 13):
        priced.now = at(2028, number, 29 - number % 3, 13, 7, number)
        async with priced.as_client() as session:
            if number in acts:
                await add_step(session, one, acts[number], now=priced.now, new_id=new_id)
            if number > 1:
                await rate_client(session, priced.now)
        if number > 1:
            await fix(priced)
    async with priced.as_client() as session:
        subscription = (await load_subscription(session, one)).subscribed
        charged = await session.scalar(text("SELECT sum(amount_minor) FROM invoice_line WHERE side = 'retail'"))
        totals = await session.scalar(text("SELECT sum(total_minor) FROM invoice WHERE side = 'retail'"))
    fees = fees_of(subscription, at(2029, 1, 1), RULES)
    assert (int(charged), int(totals)) == (total(fees), total(fees))
    assert len(fees) > 20
