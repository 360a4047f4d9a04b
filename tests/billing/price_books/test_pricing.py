"""Price arithmetic, as properties over all prices and quantities."""

import itertools
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from math import floor

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import PriceNotAllowed
from billing.periods import EPOCH, Period, Service, month_of, services_billed_in
from billing.price_books.pricing import (
    Terms,
    charge,
    check_terms,
    tiers_to_json,
)
from billing.price_books.slots import Slot, Validity, slots_for
from billing.pricing.rounding import Rounding
from billing.pricing.rules import BillingRules
from billing.pricing.tiers import PriceTier
from foundation.ids import new_id
from tests.billing.conftest import APRIL, MARCH, METER, START

unit_prices = st.integers(0, 10**12).map(lambda units: Decimal(units).scaleb(-8))
quantities = st.integers(0, 10**12).map(lambda thousandths: Decimal(thousandths).scaleb(-3))
EVEN = BillingRules(rounding=Rounding.HALF_EVEN)
currencies = st.sampled_from(["JPY", "EUR", "KWD"])


@st.composite
def tier_lists(draw: st.DrawFn) -> tuple[PriceTier, ...]:
    bounds = sorted(draw(st.sets(st.integers(1, 10**6), max_size=4)))
    ends: list[Decimal | None] = [*map(Decimal, bounds), None]
    return tuple(PriceTier(end, draw(unit_prices)) for end in ends)


all_terms = st.builds(
    Terms,
    unit_price=unit_prices,
    included=st.integers(0, 10**6).map(Decimal),
    tiers=st.one_of(st.just(()), tier_lists()),
)


def exact_cost(terms: Terms, units: Decimal) -> Fraction:
    """The price of the first `units`, tier by tier in fractions, independently of the product's algorithm."""
    tiers = terms.tiers or (PriceTier(None, terms.unit_price),)
    chargeable = max(Fraction(0), Fraction(units) - Fraction(terms.included))
    cost, floor = Fraction(0), Fraction(0)
    for tier in tiers:
        top = chargeable if tier.up_to is None else min(chargeable, Fraction(tier.up_to))
        cost += Fraction(tier.unit_price) * max(Fraction(0), top - floor)
        floor = max(floor, top)
    return cost


@given(all_terms, quantities, quantities, currencies)
def test_a_line_costs_its_units_exactly_rounded_once_by_the_rules(
    terms: Terms, before: Decimal, quantity: Decimal, currency: str
) -> None:
    exact = exact_cost(terms, before + quantity) - exact_cost(terms, before)
    minor = exact * {"JPY": 1, "EUR": 100, "KWD": 1000}[currency]
    even = charge(terms, before=before, quantity=quantity, currency=currency, rules=EVEN).amount_minor
    up = charge(terms, before=before, quantity=quantity, currency=currency).amount_minor
    assert (even, up) == (round(minor), floor(minor + Fraction(1, 2)))


@given(all_terms, st.lists(quantities, max_size=6))
def test_split_charges_use_one_allowance_and_one_ladder_of_tiers(terms: Terms, parts: list[Decimal]) -> None:
    whole = charge(terms, before=0, quantity=sum(parts), currency="EUR")
    charges, before = [], Decimal(0)
    for part in parts:
        charges.append(charge(terms, before=before, quantity=part, currency="EUR"))
        before += part
    assert sum(one.included for one in charges) == whole.included == min(terms.included, sum(parts))
    # Each part is rounded separately, so each can add half a unit to the difference.
    assert abs(sum(one.amount_minor for one in charges) - whole.amount_minor) <= (len(parts) + 1) / 2


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_included_units_are_free_and_the_next_is_not(included: int, quantity: int) -> None:
    terms = Terms(Decimal(1), Decimal(included))
    assert charge(terms, before=0, quantity=quantity, currency="JPY").amount_minor == max(0, quantity - included)


@pytest.mark.parametrize(
    ("currency", "unit_price", "quantity", "minor"),
    [
        ("EUR", "0.005", 1, 0), ("EUR", "0.005", 3, 2), ("EUR", "0.015", 1, 2), ("EUR", "0.01499999", 1, 1),
        ("CLF", "0.0250", 1, 250), ("JPY", "0.5", 1, 0), ("JPY", "0.5", 3, 2), ("KWD", "0.0005", 1, 0),
        ("KWD", "0.0015", 1, 2), ("BGN", "0.015", 1, 2), ("BYR", "0.5", 3, 2),
    ],
)  # fmt: skip
def test_halves_round_to_even_in_the_currencys_own_minor_unit(
    currency: str, unit_price: str, quantity: int, minor: int
) -> None:
    terms = Terms(Decimal(unit_price))
    assert charge(terms, before=0, quantity=quantity, currency=currency, rules=EVEN).amount_minor == minor


def test_large_quantities_are_exact() -> None:
    terms = Terms(Decimal("99999.99999999"))
    exact = (Decimal(10**13 - 1) * 10**9).scaleb(-8 + 2).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    assert charge(terms, before=0, quantity=10**9, currency="EUR", rules=EVEN).amount_minor == int(exact)


def test_tiers_are_graduated() -> None:
    tiers = (PriceTier(Decimal(10), Decimal(3)), PriceTier(Decimal(20), Decimal(2)), PriceTier(None, Decimal(1)))
    terms = Terms(Decimal(3), included=Decimal(5), tiers=tiers)
    assert [charge(terms, before=0, quantity=units, currency="JPY").amount_minor for units in (5, 6, 15, 16, 30)] == [
        0, 3, 30, 32, 55,
    ]  # fmt: skip


@given(all_terms)
def test_terms_survive_storage(terms: Terms) -> None:
    checked = check_terms(terms)
    stored = msgspec.json.decode(msgspec.json.encode(tiers_to_json(terms.tiers)))
    assert tuple(msgspec.convert(stored or [], list[PriceTier], strict=True)) == checked.tiers
    assert check_terms(checked) == checked


@pytest.mark.parametrize(
    "terms",
    [
        Terms(Decimal(-1)),
        Terms(Decimal("NaN")),
        Terms(Decimal("1e12")),
        Terms(Decimal("0.000000001")),
        Terms(Decimal(1), included=Decimal(-1)),
        Terms(Decimal(1), included=Decimal(2**63)),
        Terms(Decimal(1), tiers=(PriceTier(Decimal(10), Decimal(1)),)),
        Terms(Decimal(1), tiers=(PriceTier(None, Decimal(1)), PriceTier(None, Decimal(1)))),
        Terms(
            Decimal(1),
            tiers=(PriceTier(Decimal(10), Decimal(1)), PriceTier(Decimal(10), Decimal(1)), PriceTier(None, Decimal(1))),
        ),
        Terms(Decimal(1), tiers=(PriceTier(None, Decimal("Infinity")),)),
    ],
)
def test_terms_that_could_not_be_priced_are_refused(terms: Terms) -> None:
    with pytest.raises(PriceNotAllowed):
        check_terms(terms)


hours = st.integers(-400, 1200)


@st.composite
def validities(draw: st.DrawFn) -> list[Validity]:
    """Prices of up to two meters, without overlap within a meter, as in a price book."""
    prices: list[Validity] = []
    for meter in ("a", "b"):
        bounds = sorted(draw(st.sets(hours, max_size=6)))
        for start, end in itertools.zip_longest(bounds, bounds[1:]):
            if draw(st.booleans()):
                until = None if end is None else START + timedelta(hours=end)
                prices.append(Validity(meter, new_id(), START + timedelta(hours=start), until))
    return prices


@given(validities(), validities(), st.sampled_from(["a", "b"]), hours)
def test_each_moment_has_one_valid_price_and_the_clients_own_takes_precedence(
    own: list[Validity], common: list[Validity], meter: str, hour: int
) -> None:
    services = services_billed_in(APRIL, [MARCH])
    moment = START + timedelta(hours=hour)

    def holding(prices: list[Validity]) -> list[Validity]:
        return [p for p in prices if p.meter == meter and p.start <= moment and (p.end is None or moment < p.end)]

    found = [s for s in slots_for(own, common, services) if s.meter == meter and s.start <= moment < s.end]
    billable = any(service.start <= moment < service.end for service in services)
    expected = (holding(own) or holding(common))[:1] if billable else []
    assert [slot.price_id for slot in found] == [price.price_id for price in expected]


def test_an_own_price_interrupts_the_common_one() -> None:
    own = Validity(METER, new_id(), START + timedelta(days=5), START + timedelta(days=6))
    common = Validity(METER, new_id(), START - timedelta(days=5), None)
    slots = slots_for([own], [common], [Service(MARCH.start, MARCH.end, MARCH.start)])
    assert sorted((slot.start, slot.end, slot.price_id) for slot in slots) == [
        (START, own.start, common.price_id),
        (own.start, START + timedelta(days=6), own.price_id),
        (START + timedelta(days=6), MARCH.end, common.price_id),
    ]
    assert all(isinstance(slot, Slot) and slot.allowance_from == START for slot in slots)


@given(st.datetimes(timezones=st.timezones()))
def test_every_moment_is_in_the_month_of_it(moment: datetime) -> None:
    month = month_of(moment)
    assert month.start <= moment < month.end
    assert month_of(month.end).start == month.end
    assert month_of(month.end - timedelta(microseconds=1)) == month


def test_periods_cover_all_time_before_the_last_closing() -> None:
    january = month_of(START - timedelta(days=45))
    services = services_billed_in(APRIL, [MARCH, january])
    assert [(service.start, service.allowance_from) for service in services] == [
        (EPOCH, EPOCH),
        (january.start, january.start),
        (january.end, january.end),
        (MARCH.start, MARCH.start),
        (APRIL.start, APRIL.start),
    ]
    assert [one.end for one in services[:-1]] == [one.start for one in services[1:]]


def test_a_period_has_a_start_before_its_end() -> None:
    with pytest.raises(ValueError, match="starts before it ends"):
        Period(MARCH.end, MARCH.start)
