"""Properties of the price arithmetic: no amount is lost or counted twice, for any order and split."""

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.aggregation import Aggregation, LevelChange, Measured, aggregate, place_event, weighted_sum
from billing.pricing.charges import Cell, DimensionUsage, Percentage, PriceMissing, matrix, percentage
from billing.pricing.discounts import Discount, TaxedFee, Weight, allocate, apply_coupon, coupons_then_tax
from billing.pricing.grants import CreditGrant, UseEvent, Wallet, burn_down, draw_wallets
from billing.pricing.numbers import decimal, exact
from billing.pricing.periods import Interval, local_period, period_containing, period_starts, step
from billing.pricing.proration import change_by_seconds, plan_change, prorate_days
from billing.pricing.rounding import Rounding, round_amount, to_minor, to_stripe
from billing.pricing.tax import TaxableLine, invoice_waterfall, tax_by_invoice, tax_by_line, tax_by_rate, tax_within
from billing.pricing.tiers import BlockTier, PriceTier, block_tiers, graduated, package, volume
from billing.pricing.true_ups import maximum_spend, minimum_true_up

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
prices = st.integers(0, 10**6).map(lambda number: Decimal(number).scaleb(-4))
units = st.integers(0, 10**6).map(lambda number: Decimal(number).scaleb(-3))
minors = st.integers(0, 10**9)
instants = st.integers(0, 31 * 24 * 60 - 1).map(lambda minute: JANUARY + timedelta(minutes=minute))


@st.composite
def tier_lists(draw: st.DrawFn) -> list[PriceTier]:
    bounds = sorted(draw(st.sets(units.filter(bool), max_size=4)))
    return [PriceTier(bound, draw(prices), draw(prices)) for bound in [*bounds, None]]


@given(tier_lists(), st.lists(units, max_size=5))
def test_charges_in_a_row_are_one_charge_of_the_sum(tiers: list[PriceTier], parts: list[Decimal]) -> None:
    blocks = [BlockTier(Decimal(5), Decimal(2), 3), BlockTier(Decimal(10), Decimal(1))]
    charged, packages, in_blocks, before = Decimal(0), 0, Decimal(0), Decimal(0)
    for part in parts:
        charged += graduated(tiers, part, before=before)
        packages += package(10, 3, part, free=4, before=before).packages
        in_blocks += block_tiers(blocks, part, before=before)
        before += part
    assert charged == graduated(tiers, before)
    assert packages == package(10, 3, before, free=4).packages
    assert in_blocks == block_tiers(blocks, before)


@given(st.lists(units, max_size=8), st.integers(0, 8), st.integers(0, 4), units)
def test_percentages_of_split_events_use_the_free_part_once(
    events: list[Decimal], cut: int, free_events: int, free_amount: Decimal
) -> None:
    terms = Percentage(Decimal("1.3"), 2, free_events, free_amount, Decimal("0.5"), 12)
    first, rest = events[:cut], events[cut:]
    assert percentage(terms, first) + percentage(terms, rest, before=first) == percentage(terms, events)


@given(tier_lists())
def test_bounds_are_inclusive_and_a_fraction_beyond_lies_in_the_next_tier(tiers: list[PriceTier]) -> None:
    for tier, following in itertools.pairwise(tiers):
        bound, more = exact(tier.up_to or 0), Fraction(1, 1000)
        assert exact(volume(tiers, bound)) == bound * exact(tier.unit_price) + exact(tier.flat)
        step_up = exact(graduated(tiers, bound + more)) - exact(graduated(tiers, bound))
        assert step_up == more * exact(following.unit_price) + exact(following.flat)


def test_no_use_is_free_unless_the_price_says_otherwise() -> None:
    tiers = [PriceTier(Decimal(10), Decimal(1), Decimal(5)), PriceTier(None, Decimal(1), Decimal(7))]
    assert graduated(tiers, 0) == volume(tiers, 0) == 0
    assert graduated(tiers, 0, zero_usage_pays_first_flat=True) == 5
    assert volume(tiers, 0, zero_usage_pays_first_flat=True) == 5
    assert package(10, 3, 0).amount == 0
    assert package(10, 3, 0, min_packages=1).amount == 3


@given(st.integers(-(10**9), 10**9), st.lists(units, min_size=1, max_size=6), st.sampled_from([0, 2, 3]))
def test_an_allocation_comes_to_its_amount_and_is_next_to_each_share(
    amount: int, weights: list[Decimal], exponent: int
) -> None:
    items = [Weight(str(number), weight) for number, weight in enumerate(weights)]
    wanted = Decimal(amount).scaleb(-exponent)
    parts = allocate(wanted, items, exponent=exponent)
    assert sum(parts.values()) == wanted
    whole = sum(weights)
    for number, weight in enumerate(weights):
        share = Fraction(wanted) * (Fraction(weight) / Fraction(whole) if whole else Fraction(1, len(weights)))
        assert abs(Fraction(parts[str(number)]) - share) < Fraction(1, 10**exponent)
    assert parts == allocate(wanted, items[::-1], exponent=exponent)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.integers(0, 10**7), st.integers(0, 100))
def test_a_coupon_takes_no_more_than_a_fee_and_its_parts_are_its_credit(
    fees: list[int], amount: int, percent: int
) -> None:
    for coupon in (Discount(amount_minor=amount), Discount(percent=percent)):
        found = apply_coupon(coupon, fees)
        assert sum(found.per_fee) == found.credit_minor <= sum(fees)
        assert all(0 <= part <= fee for part, fee in zip(found.per_fee, fees, strict=True))
        taxed = coupons_then_tax([TaxedFee(str(n), fee, 20) for n, fee in enumerate(fees)], [coupon])
        assert taxed.subtotal_minor == sum(fees) - found.credit_minor
        assert sum(taxed.discounts) == found.credit_minor


events = st.lists(st.tuples(instants, st.integers(1, 60)), max_size=8)
grants = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 3), st.integers(0, 20), st.integers(1, 20)), max_size=4
).map(
    lambda rows: [
        CreditGrant(id=f"g{n}", amount=amount, priority=priority, effective=JANUARY + timedelta(days=start),
              expires=JANUARY + timedelta(days=start + length))
        for n, (amount, priority, start, length) in enumerate(rows)
    ]
)  # fmt: skip


@given(grants, events, st.randoms(use_true_random=False))
def test_balances_never_fall_below_nothing_and_all_use_is_drawn_or_overage(
    found: list[CreditGrant], used: list[tuple[datetime, int]], order: object
) -> None:
    until = JANUARY + timedelta(days=31)
    uses = [UseEvent(at, quantity) for at, quantity in used]
    result = burn_down(found, uses, until=until)
    assert all(0 <= balance <= exact(grant.amount) for grant, balance in
               zip(found, result.balances.values(), strict=True))  # fmt: skip
    assert sum(draw.quantity for draw in result.draws) + result.overage == sum(quantity for _, quantity in used)
    order.shuffle(uses)  # type: ignore[attr-defined]
    again = burn_down(found[::-1], sorted(uses, key=lambda use: use.quantity), until=until)
    assert (again.balances, again.overage) == (dict(reversed(result.balances.items())), result.overage)


@given(grants, events)
def test_use_that_is_taken_back_leaves_the_balances_as_they_were(
    found: list[CreditGrant], used: list[tuple[datetime, int]]
) -> None:
    until = JANUARY + timedelta(days=31)
    uses = [UseEvent(at, quantity) for at, quantity in used]
    back = [UseEvent(use.at, -exact(use.quantity)) for use in reversed(uses)]
    result = burn_down(found, [pair for one, two in zip(uses, reversed(back), strict=True) for pair in (one, two)],
                       until=until)  # fmt: skip
    assert result.balances == burn_down(found, [], until=until).balances
    assert result.overage == 0


def test_a_recurring_grant_is_filled_again_and_pays_what_was_owed() -> None:
    grant = CreditGrant(id="a", amount=100, effective=JANUARY, recurs=Interval.DAY)
    use = [UseEvent(JANUARY + timedelta(hours=1), 120)]
    found = burn_down([grant], use, until=JANUARY + timedelta(days=1, hours=1))
    assert (found.balances, found.overage) == ({"a": Decimal(80)}, Decimal(0))
    billed = burn_down([grant], use, until=JANUARY + timedelta(days=1, hours=1), overage_from_next_grant=False)
    assert (billed.balances, billed.overage) == ({"a": Decimal(100)}, Decimal(20))


@given(st.lists(st.tuples(minors, st.integers(0, 3)), max_size=5), minors)
def test_wallets_pay_what_they_have_and_no_more(rows: list[tuple[int, int]], due: int) -> None:
    wallets = [Wallet(id=str(n), balance_minor=balance, priority=first) for n, (balance, first) in enumerate(rows)]
    found = draw_wallets(wallets, due)
    assert sum(found.applied.values()) + found.due_minor == due
    assert found.due_minor == max(0, due - sum(wallet.balance_minor for wallet in wallets))
    assert all(0 <= found.applied[wallet.id] <= wallet.balance_minor for wallet in wallets)


@given(minors, minors, instants)
def test_an_upgrade_and_back_at_one_instant_costs_nothing(old: int, new: int, at: datetime) -> None:
    period = JANUARY, JANUARY + timedelta(days=31)
    there = change_by_seconds(old, new, period=period, at=at)
    back = change_by_seconds(new, old, period=period, at=at)
    assert there.net_minor + back.net_minor == 0
    kept = plan_change((Interval.MONTH, old), (Interval.MONTH, new), cycle_start=JANUARY, at=at)
    assert kept == there


@given(prices, st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 364), st.integers(0, 364))
def test_parts_of_a_period_come_to_the_whole(price: Decimal, start: date, one: int, two: int) -> None:
    period = start, step(start, Interval.YEAR)
    cuts = [start, *(start + timedelta(days=days) for days in sorted((one, two))), period[1]]
    parts = [prorate_days(price, period, span, exponent=8) for span in itertools.pairwise(cuts)]
    assert abs(sum(parts) - price) <= Decimal("0.000000015")


@given(st.dates(date(1970, 1, 31), date(2090, 1, 1)), st.sampled_from(Interval), st.integers(1, 30), st.integers(1, 3))
def test_periods_keep_the_anchors_day_and_leave_no_gap(
    anchor: date, interval: Interval, count: int, every: int
) -> None:
    starts = period_starts(anchor, interval, count + 1, every=every)
    for start, end in itertools.pairwise(starts):
        assert period_containing(anchor, interval, start, every=every) == (start, end)
        assert period_containing(anchor, interval, end - timedelta(days=1), every=every) == (start, end)
        if interval not in (Interval.DAY, Interval.WEEK):
            assert start.day == anchor.day or (start.day < anchor.day and (start + timedelta(days=1)).day == 1)


@pytest.mark.parametrize(
    ("zone", "start", "end", "hours"),
    [
        ("Europe/Paris", "2024-03-01", "2024-04-01", "743"), ("Europe/Paris", "2024-10-01", "2024-11-01", "745"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-05", "23"), ("Asia/Kolkata", "2026-01-01", "2026-01-02", "24"),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-06", "24.5"), ("Pacific/Apia", "2011-12-30", "2011-12-31", "0"),
    ],
)  # fmt: skip
def test_local_days_have_their_real_length(zone: str, start: str, end: str, hours: str) -> None:
    found = local_period(datetime.fromisoformat(start), datetime.fromisoformat(end), zone)
    assert found.hours == Decimal(hours)


@given(st.decimals(-(10**9), 10**9, places=6), st.sampled_from([0, 2, 3]))
def test_rounding_is_that_of_the_decimal_module(amount: Decimal, exponent: int) -> None:
    unit = Decimal(1).scaleb(-exponent)
    assert round_amount(amount, exponent) == amount.quantize(unit, ROUND_HALF_UP)
    assert round_amount(amount, exponent, Rounding.HALF_EVEN) == amount.quantize(unit, ROUND_HALF_EVEN)
    assert all(abs(round_amount(amount, exponent, mode) - amount) < unit for mode in Rounding)


@pytest.mark.parametrize(("currency", "exponent", "minor"), [("EUR", 2, 513), ("JPY", 0, 5), ("KWD", 3, 5130),
                                                             ("ISK", 0, 500), ("HUF", 2, 513)])  # fmt: skip
def test_stripe_counts_currencies_in_its_own_way(currency: str, exponent: int, minor: int) -> None:
    assert to_stripe(Decimal("5.128"), currency, exponent) == minor
    assert to_minor(Decimal("5.128"), exponent) == {0: 5, 2: 513, 3: 5128}[exponent]


@given(prices, st.sampled_from([0, 4, 7, 19, 20, 25]))
def test_net_and_tax_of_a_gross_amount_come_to_it(gross: Decimal, rate: int) -> None:
    for round_tax in (True, False):
        found = tax_within(gross, rate, round_tax=round_tax)
        assert found.net + found.tax == gross == found.gross


@given(st.lists(st.tuples(units, st.sampled_from([0, 7, 19])), max_size=8))
def test_the_places_of_tax_rounding_differ_by_less_than_a_unit_for_each(rows: list[tuple[Decimal, int]]) -> None:
    lines = [TaxableLine(net, rate) for net, rate in rows]
    by_rate = tax_by_rate(lines)
    assert abs(sum(by_rate.values()) - tax_by_invoice(lines)) <= len(by_rate)
    assert abs(tax_by_line(lines) - tax_by_invoice(lines)) <= len(lines)


@given(st.lists(prices, max_size=5), prices, prices, prices)
def test_deductions_of_an_invoice_take_no_more_than_is_left(
    fees: list[Decimal], coupons: Decimal, notes: Decimal, prepaid: Decimal
) -> None:
    found = invoice_waterfall(fees, coupons=coupons, tax_pct=19, credit_notes=notes, prepaid=prepaid)
    used = (coupons - found.unused_coupons, notes - found.unused_credit_notes, prepaid - found.unused_prepaid)
    assert min(*used, found.subtotal, found.due) >= 0
    assert sum(fees) - used[0] + found.tax == found.total_with_tax == found.due + used[1] + used[2]


@given(prices, prices, prices)
def test_minimum_and_maximum_bound_what_a_period_costs(charged: Decimal, minimum: Decimal, more: Decimal) -> None:
    maximum = minimum + more
    capped = maximum_spend(maximum, charged).total
    assert minimum <= capped + minimum_true_up(minimum, capped) <= maximum


@given(st.lists(st.tuples(instants, st.integers(-9, 9)), max_size=8), st.randoms(use_true_random=False))
def test_a_weighted_level_does_not_depend_on_the_order_of_events(
    rows: list[tuple[datetime, int]], order: object
) -> None:
    end = JANUARY + timedelta(days=31)
    changes = [LevelChange(at, delta) for at, delta in rows]
    found = weighted_sum(changes, JANUARY, end, carried=5)
    order.shuffle(changes)  # type: ignore[attr-defined]
    assert weighted_sum(changes, JANUARY, end, carried=5) == found
    assert found.carried == 5 + sum(delta for _, delta in rows)


def test_aggregations_of_groups_filters_and_removals() -> None:
    rows = [("a", "eu", 5), ("a", "us", 7), ("b", "eu", 5), ("c", "eu", 1)]
    found = [Measured(value=value, fields={"user": user, "region": region}) for user, region, value in rows]
    by_user = {"field": "user", "group_by": ("region",)}
    assert aggregate(Aggregation.UNIQUE, found, field="user").value == 3
    assert aggregate(Aggregation.UNIQUE, found, **by_user).groups == {("eu",): 3, ("us",): 1}  # type: ignore[arg-type]
    assert aggregate(Aggregation.SUM, found, filters={"region": "eu"}).value == 11
    assert aggregate(Aggregation.PERCENTILE, found, percentile=50).value == 5
    assert aggregate(Aggregation.MAX, []).value == 0
    gone = Measured(fields={"user": "a"}, removes=True)
    assert aggregate(Aggregation.UNIQUE, [*found, gone], field="user").value == 2


def test_limits_of_lateness_are_still_accepted() -> None:
    at = JANUARY
    assert place_event(at, at + timedelta(days=35)).result == "accepted"
    assert place_event(at, at + timedelta(days=35, seconds=1)).result == "rejected"
    assert place_event(at + timedelta(minutes=5), at).result == "accepted"


def test_the_most_specific_cell_prices_and_a_missing_one_is_never_free() -> None:
    cells = [Cell({"region": ["eu", "us"]}, 2), Cell({"region": "eu", "tier": "gold"}, 1)]
    assert (
        matrix(cells, [DimensionUsage({"region": "eu", "tier": "gold"}, 3), DimensionUsage({"region": "us"}, 1)]) == 5
    )
    with pytest.raises(PriceMissing):
        matrix(cells, [DimensionUsage({"region": "asia"}, 1)])


@pytest.mark.parametrize("wrong", [1.5, True, "1", None])
def test_a_float_is_not_accepted_in_a_price(wrong: object) -> None:
    with pytest.raises(TypeError):
        exact(wrong)  # type: ignore[arg-type]


@given(st.fractions(max_denominator=10**6))
def test_decimals_are_exact_where_they_end(number: Fraction) -> None:
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest == 1:
        assert Fraction(decimal(number)) == number
    else:
        assert abs(Fraction(decimal(number)) - number) <= Fraction(1, 10**30)
