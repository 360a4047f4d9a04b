"""Terms of a plan, and the copy of them that a subscription keeps."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final
from uuid import UUID

import msgspec

from billing.errors import PriceNotAllowed
from billing.pricing.numbers import exact
from billing.pricing.periods import Interval, Phase, phase_price
from foundation.entitlements.features import Features
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.names import clean_name

MONTHS: Final = {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.HALF_YEAR: 6, Interval.YEAR: 12}
"""Intervals of plans, with their months."""
INTERVAL_LABELS: Final = {
    Interval.MONTH: N_("Month"),
    Interval.QUARTER: N_("Quarter"),
    Interval.HALF_YEAR: N_("Half-year"),
    Interval.YEAR: N_("Year"),
}
MOST_PHASES: Final = 24
MOST_ADD_ONS: Final = 20
MOST_ENTITLEMENTS: Final = 100
LONGEST_TRIAL: Final = 730
LARGEST_PRICE: Final = Decimal(10) ** 9
_PLACES: Final = 8


class PlanPhase(msgspec.Struct, frozen=True):
    """Prices of the first `cycles` billing periods that no phase before has; a part of a period counts as one."""

    cycles: int
    fee: Decimal
    seat_price: Decimal = Decimal(0)


class AddOn(msgspec.Struct, frozen=True):
    """An optional extra of a subscription, in a quantity. `price`: of one unit for a period."""

    code: str
    name: str
    price: Decimal


class PlanEntitlement(msgspec.Struct, frozen=True, omit_defaults=True):
    """A plan's entitlement to a feature: `limit`, plus `per_seat` for each seat; both None for no limit. The client is
    notified from `soft_limit` on. Without `is_on` the feature is not included.
    """

    feature: str
    is_on: bool = True
    limit: int | None = None
    per_seat: int | None = None
    soft_limit: int | None = None

    def most(self, seats: int) -> int | None:
        """The limit with so many seats; None for no limit."""
        if self.limit is None and self.per_seat is None:
            return None
        return (self.limit or 0) + (self.per_seat or 0) * seats


class PlanTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Prices are in major units of the plan's currency, for one `interval`.

    `fee` is charged once, `seat_price` for each seat. `phases` come first, then these prices apply. `setup_fee` is due
    when billing begins, after the trial. `minimum` is the lowest charge for a period's usage, `commitment` for all of a
    period; both count for the part of a period that is billed, unless `prorates_true_up` is off. For features without
    one of the `entitlements`, the price book's default applies.
    """

    interval: Interval = Interval.MONTH
    in_advance: bool = True
    fee: Decimal = Decimal(0)
    seat_price: Decimal = Decimal(0)
    seat_name: str = ""
    setup_fee: Decimal = Decimal(0)
    setup_name: str = ""
    trial_days: int = 0
    phases: tuple[PlanPhase, ...] = ()
    minimum: Decimal | None = None
    commitment: Decimal | None = None
    prorates_true_up: bool = True
    add_ons: tuple[AddOn, ...] = ()
    entitlements: tuple[PlanEntitlement, ...] = ()

    def prices_in(self, cycle: int) -> tuple[Decimal, Decimal]:
        """Fee and price of a seat in a cycle, counted from 1."""
        if not self.phases:
            return self.fee, self.seat_price
        fees = [Phase(one.fee, one.cycles) for one in self.phases]
        seats = [Phase(one.seat_price, one.cycles) for one in self.phases]
        return (
            phase_price([*fees, Phase(self.fee)], cycle), phase_price([*seats, Phase(self.seat_price)], cycle),
        )  # fmt: skip

    def monthly(self, quantity: int) -> Fraction:
        """Price of a month after the phases, without add-ons."""
        return (exact(self.fee) + exact(self.seat_price) * quantity) / MONTHS[self.interval]


class PlanCopy(msgspec.Struct, frozen=True):
    """A version of a plan as a subscription keeps it. A published version never changes, so the copy equals it."""

    version_id: UUID
    code: str
    name: str
    number: int
    currency: str
    terms: PlanTerms


def check_terms(terms: PlanTerms) -> PlanTerms:
    """The terms with clean names.

    Raises:
        PriceNotAllowed: a price is negative, too large or has more than eight decimals.
        InvalidInput: a number is out of range, or a name has no visible text.
    """
    if terms.interval not in MONTHS:
        raise InvalidInput(N_("Choose how often the plan is billed."), field="interval")
    for field, price in _prices(terms):
        exponent = price.as_tuple().exponent if price.is_finite() else None
        if not isinstance(exponent, int) or not 0 <= price <= LARGEST_PRICE or -exponent > _PLACES:
            raise PriceNotAllowed(N_("A price is a number of 0 or more with at most eight decimals."), field=field)
    if not 0 <= terms.trial_days <= LONGEST_TRIAL:
        raise InvalidInput(N_("A trial has at most {most} days."), params={"most": LONGEST_TRIAL}, field="trial_days")
    if len(terms.phases) > MOST_PHASES or not all(1 <= one.cycles <= 120 for one in terms.phases):
        raise InvalidInput(N_("A phase lasts for 1 to 120 billing periods."), field="phases")
    codes = [one.code for one in terms.add_ons]
    if len(codes) > MOST_ADD_ONS or len(set(codes)) < len(codes) or not all(codes):
        raise InvalidInput(N_("Give each add-on a code of its own."), field="add_ons")
    features = [one.feature for one in terms.entitlements]
    if len(features) > MOST_ENTITLEMENTS or len(set(features)) < len(features):
        raise InvalidInput(N_("Name each feature once."), field="entitlements")
    names = {field: _name(getattr(terms, field), field) for field in ("seat_name", "setup_name")}
    add_ons = tuple(AddOn(one.code, clean_name(one.name, field="add_ons"), one.price) for one in terms.add_ons)
    return msgspec.structs.replace(terms, **names, add_ons=add_ons)


def check_features(terms: PlanTerms, features: Features) -> None:
    """Raises InvalidInput: the terms name a feature that does not exist, or a number of one that has none."""
    for one in terms.entitlements:
        feature = features.require(one.feature)
        if not feature.count and (one.limit, one.per_seat, one.soft_limit) != (None, None, None):
            raise InvalidInput(N_("This feature has no number. Switch it on or off."), field="entitlements")


def _prices(terms: PlanTerms) -> Iterator[tuple[str, Decimal]]:
    for field in ("fee", "seat_price", "setup_fee", "minimum", "commitment"):
        price = getattr(terms, field)
        if price is not None:
            yield field, price
    for phase in terms.phases:
        yield "phases", phase.fee
        yield "phases", phase.seat_price
    for add_on in terms.add_ons:
        yield "add_ons", add_on.price


def _name(text: str, field: str) -> str:
    return clean_name(text, field=field) if text else ""
