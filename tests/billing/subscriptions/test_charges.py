"""Fees of subscriptions: worked examples, and properties over any steps."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.line_kinds import LineKind
from billing.plans.terms import AddOn, PlanCopy, PlanPhase
from billing.pricing.periods import Interval
from billing.pricing.rules import BillingRules, ProrationUnit
from billing.subscriptions.charges import fees_of, true_ups_of
from billing.subscriptions.states import StepKind, SubscriptionState
from billing.subscriptions.timeline import state_at
from tests.billing.subscriptions.samples import RULES, at, change, charged, plan, step, subscribed, total

PRO = plan("62", "pro")
_S = SubscriptionState


def test_a_year_in_advance_with_an_upgrade_a_pause_and_an_end() -> None:
    one = subscribed(
        at(2026, 1, 16), plan("31"), change(1, at(2026, 2, 15), PRO), step(2, StepKind.PAUSE, at(2026, 3, 11)),
        step(3, StepKind.RESUME, at(2026, 4, 16)), step(4, StepKind.CANCEL, at(2026, 5, 1)),
    )  # fmt: skip
    assert charged(one, at(2027, 1, 1)) == [
        ("01-16", "proration_charge", 1600), ("02-01", "subscription", 3100), ("02-15", "proration_charge", 3100),
        ("02-15", "proration_credit", -1550), ("03-01", "subscription", 6200), ("03-11", "proration_credit", -4200),
        ("04-16", "proration_charge", 3100),
    ]  # fmt: skip
    states = [state_at(replace(one, steps=one.steps[:3]), at(2026, month, 15)) for month in (1, 2, 3, 5)]
    assert states == [_S.SCHEDULED, _S.ACTIVE, _S.PAUSED, _S.ACTIVE]
    assert [state_at(one, at(2026, month, 1)) for month in (4, 5)] == [_S.CANCELLING, _S.CANCELLED]


def test_in_arrears_each_stretch_is_billed_at_the_last_instant_of_the_period() -> None:
    late = plan("30", in_advance=False, seat_price=Decimal(2), seat_name="Seats")
    one = subscribed(at(2026, 4, 1), late, change(1, at(2026, 4, 16), quantity=5), quantity=3)
    found = fees_of(one, at(2026, 5, 1), RULES)
    assert {(fee.name, fee.amount_minor) for fee in found} == {
        ("Basic", 3000), ("Basic: Seats", 300), ("Basic: Seats", 500),
    }  # fmt: skip
    assert {fee.due for fee in found} == {at(2026, 5, 1) - timedelta(microseconds=1)}
    ended = replace(one, steps=[*one.steps, step(2, StepKind.CANCEL, at(2026, 4, 21))])
    assert charged(ended, at(2026, 6, 1)) == [("04-20", "proration_charge", amount) for amount in (2000, 300, 167)]


def test_the_anchor_day_comes_back_after_short_months_and_leap_days() -> None:
    one = subscribed(at(2028, 1, 31), plan("10"), calendar=False)
    assert [day for day, _, _ in charged(one, at(2028, 6, 1))] == ["01-31", "02-29", "03-31", "04-30", "05-31"]
    leap = subscribed(at(2028, 2, 29), plan("10", interval=Interval.YEAR), calendar=False)
    assert [day for day, _, _ in charged(leap, at(2032, 3, 1))] == ["02-29", "02-28", "02-28", "02-28", "02-29"]


def test_a_trial_phases_setup_and_add_ons() -> None:
    ramp = plan(
        "30", trial_days=14, setup_fee=Decimal(99), setup_name="Setup", phases=(PlanPhase(2, Decimal(10)),),
        add_ons=(AddOn("backup", "Backup", Decimal(4)),),
    )  # fmt: skip
    one = replace(subscribed(at(2026, 1, 1), ramp, calendar=False), add_ons={"backup": 2})
    assert charged(one, at(2026, 4, 16)) == [
        ("01-15", "subscription", 800), ("01-15", "subscription", 1000), ("01-15", "one_off", 9900),
        ("02-15", "subscription", 800), ("02-15", "subscription", 1000),
        ("03-15", "subscription", 800), ("03-15", "subscription", 3000),
        ("04-15", "subscription", 800), ("04-15", "subscription", 3000),
    ]  # fmt: skip
    ended = replace(one, steps=[step(1, StepKind.CANCEL, at(2026, 1, 10))])
    assert charged(ended, at(2026, 4, 16)) == []


def test_a_new_interval_begins_a_new_cycle() -> None:
    yearly = plan("310", "yearly", interval=Interval.YEAR)
    one = subscribed(at(2026, 1, 5), plan("31"), change(1, at(2026, 1, 20), yearly), calendar=False)
    assert sorted(charged(one, at(2027, 2, 1))) == [
        ("01-05", "subscription", 3100), ("01-20", "proration_credit", -1600), ("01-20", "subscription", 31000),
        ("01-20", "subscription", 31000),
    ]  # fmt: skip


def test_what_is_not_credited_stays_charged() -> None:
    without = replace(RULES, pause_credits=False)
    paused = [step(1, StepKind.PAUSE, at(2026, 1, 11)), step(2, StepKind.RESUME, at(2026, 2, 15))]
    one = subscribed(at(2026, 1, 1), plan("28"), *paused)
    assert charged(one, at(2026, 3, 1), without) == [
        ("01-01", "subscription", 2800),
        ("02-15", "proration_charge", 1400),
    ]
    end = step(3, StepKind.CANCEL, at(2026, 1, 11), credits=False)
    for in_advance in (True, False):
        kept = subscribed(at(2026, 1, 1), plan("28", in_advance=in_advance), end)
        assert total(fees_of(kept, at(2026, 6, 1), RULES)) == 2800


def test_minimums_and_commitments_count_the_billed_days_and_one_month_once() -> None:
    bound = plan("0", minimum=Decimal(31), commitment=Decimal(62))
    one = subscribed(at(2026, 1, 16), bound, step(1, StepKind.CANCEL, at(2026, 2, 15)))
    found = {(up.kind, up.since.month, up.due.month): up.limit_minor for up in true_ups_of(one, at(2026, 6, 1), RULES)}
    assert found == {
        (LineKind.MINIMUM, 1, 1): 1600, (LineKind.COMMITMENT, 1, 1): 3200,
        (LineKind.MINIMUM, 2, 2): 1550, (LineKind.COMMITMENT, 2, 2): 3100,
    }  # fmt: skip
    anniversary = replace(one, calendar=False, steps=[step(1, StepKind.CANCEL, at(2026, 2, 26))])
    both = [up for up in true_ups_of(anniversary, at(2026, 6, 1), RULES) if up.kind is LineKind.MINIMUM]
    whole_and_part = 3100 + 3100 * Fraction(10, 28)
    assert [(up.since, up.due.day, up.limit_minor) for up in both] == [(at(2026, 1, 1), 25, whole_and_part)]


def test_the_month_of_a_fee_is_that_of_the_clients_calendar() -> None:
    berlin = subscribed(at(2026, 3, 1), plan("31"), zone="Europe/Berlin")
    assert [(f"{fee.due:%m-%d}", fee.month.month) for fee in fees_of(berlin, at(2026, 4, 15), RULES)] == [
        ("02-28", 3), ("03-31", 4),
    ]  # fmt: skip
    bound = plan("31", in_advance=False, commitment=Decimal(90))
    late = subscribed(at(2026, 3, 1, 12), bound, zone="America/New_York")
    assert [(f"{fee.due:%m-%d}", fee.month.month) for fee in fees_of(late, at(2026, 4, 15), RULES)] == [("04-01", 3)]
    [up] = true_ups_of(late, at(2026, 4, 15), RULES)
    assert (up.since.month, up.month.month) == (3, 3)


@pytest.mark.parametrize(
    ("rules", "amounts"),
    [
        (RULES, [1600, 2100, -1050, -1150]),
        (replace(RULES, bills_last_day=True), [1600, 2100, -1050, -1000]),
        (replace(RULES, change_proration=ProrationUnit.DAY), [1600, 2200, -1100, -1200]),
        (replace(RULES, change_proration=ProrationUnit.DAY, bills_last_day=True), [1600, 2200, -1100, -1000]),
        (replace(RULES, change_proration=ProrationUnit.THIRTY_STRICT), [1600, 2067, -1033, -1033]),
        (replace(RULES, change_proration=ProrationUnit.THIRTY_ACTUAL), [1600, 2273, -1137, -1240]),
        (replace(RULES, part_period_proration=ProrationUnit.THIRTY_STRICT), [1550, 2034, -1017, -1114]),
        (replace(RULES, part_period_proration=ProrationUnit.THIRTY_ACTUAL), [1653, 2170, -1085, -1188]),
    ],
)  # fmt: skip
def test_parts_are_counted_as_the_rules_say(rules: BillingRules, amounts: list[int]) -> None:
    steps = [change(1, at(2026, 1, 21, 12), PRO), step(2, StepKind.CANCEL, at(2026, 1, 26, 6))]
    one = subscribed(at(2026, 1, 16), plan("31"), *steps)
    assert [amount for _, _, amount in charged(one, at(2026, 3, 1), rules)] == amounts
    late = replace(one, plan=plan("31", in_advance=False), steps=[steps[1]])
    [(_, kind, amount)] = charged(late, at(2026, 3, 1), rules)
    assert kind == "proration_charge"
    assert amount <= amounts[0]


def test_a_month_of_thirty_days_costs_the_whole_price_and_no_part_more() -> None:
    for unit in (ProrationUnit.THIRTY_STRICT, ProrationUnit.THIRTY_ACTUAL):
        rules = replace(RULES, part_period_proration=unit, change_proration=unit)
        for month in (1, 2, 4):
            one = subscribed(at(2026, month, 1), plan("30"), step(1, StepKind.CANCEL, at(2026, month, 2)))
            paid, back = (amount for _, _, amount in charged(one, at(2026, 12, 1), rules))
            assert (paid, back) == (3000, -{1: 2900, 2: 2900, 4: 2900}[month]) or unit is ProrationUnit.THIRTY_ACTUAL
            assert 0 <= paid + back <= 300


def test_the_last_day_is_that_of_the_clients_calendar_and_never_of_the_next_period() -> None:
    rules = replace(RULES, bills_last_day=True, change_proration=ProrationUnit.DAY)
    end = step(1, StepKind.CANCEL, at(2026, 3, 10, 23))  # 11 March in Berlin
    berlin = subscribed(at(2026, 3, 1), plan("31"), end, zone="Europe/Berlin")
    assert sum(amount for _, _, amount in charged(berlin, at(2026, 6, 1), rules)) == 1100
    whole = replace(berlin, steps=[step(1, StepKind.CANCEL, at(2026, 3, 31, 22))])  # 1 April in Berlin
    assert [amount for _, _, amount in charged(whole, at(2026, 6, 1), rules)] == [3100]


def test_days_of_a_trial_count_for_the_commitment_if_the_rules_say_so() -> None:
    bound = plan("0", trial_days=15, minimum=Decimal(31), commitment=Decimal(62))
    one = subscribed(at(2026, 1, 6), bound)
    for rules, commitment in ((RULES, 2200), (replace(RULES, trial_prorates_commitment=False), 5200)):
        found = {up.kind: up.limit_minor for up in true_ups_of(one, at(2026, 2, 1), rules)}
        assert found == {LineKind.MINIMUM: 1100, LineKind.COMMITMENT: commitment}, rules


_PLANS = [plan("31"), PRO, plan("45.55", "late", in_advance=False), plan("300", "year", interval=Interval.YEAR)]
_STEPS = st.lists(
    st.tuples(st.integers(0, 400 * 86400), st.sampled_from(range(6)), st.integers(1, 9)), unique_by=lambda one: one[0],
    max_size=8,
)  # fmt: skip
_ZONES = st.sampled_from(["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe"])
_START = at(2027, 12, 31)


@settings(max_examples=40)
@given(steps=_STEPS, zone=_ZONES, calendar=st.booleans(), seed=st.integers(0, 99))
def test_the_order_in_which_steps_are_recorded_does_not_matter(
    *, steps: list[tuple[int, int, int]], zone: str, calendar: bool, seed: int
) -> None:
    made = []
    for number, (second, what, quantity) in enumerate(steps, start=1):
        moment = _START + timedelta(seconds=second)
        if what < 4:
            made.append(change(number, moment, _PLANS[what], quantity))
        else:
            made.append(step(number, StepKind.PAUSE if what == 4 else StepKind.RESUME, moment))
    one = subscribed(_START, _PLANS[0], *made, zone=zone, calendar=calendar)
    shuffled = [replace(each, number=99 - each.number) for each in made]
    Random(seed).shuffle(shuffled)
    until = _START + timedelta(days=800)
    found = fees_of(one, until, RULES)
    assert found == fees_of(replace(one, steps=shuffled), until, RULES)
    assert len({fee.key for fee in found}) == len(found)
    earlier = _START + timedelta(days=200)
    assert [fee for fee in found if fee.due < earlier] == fees_of(one, earlier, RULES)


@settings(max_examples=40)
@given(second=st.integers(1, 300 * 86400), to=st.sampled_from(_PLANS[1:]), zone=_ZONES, calendar=st.booleans())
def test_there_and_back_at_one_instant_charges_nothing(*, second: int, to: PlanCopy, zone: str, calendar: bool) -> None:
    moment = _START + timedelta(seconds=second)
    one = subscribed(_START, _PLANS[0], zone=zone, calendar=calendar)
    back = replace(one, steps=[change(1, moment, to), change(2, moment, _PLANS[0])])
    until = _START + timedelta(days=500)
    assert fees_of(back, until, RULES) == fees_of(one, until, RULES)
    paused = replace(one, steps=[step(1, StepKind.PAUSE, moment), step(2, StepKind.RESUME, moment)])
    assert fees_of(paused, until, RULES) == fees_of(one, until, RULES)
