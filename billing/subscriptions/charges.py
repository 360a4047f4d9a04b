"""Charges of a subscription: fees with their due times, minimums and commitments. Pure.

A fee in advance is due when its period begins, one in arrears at its last instant. A change within a period that is
paid in advance credits the rest of the old price and charges that of the new one, by the second, as two amounts that
are each rounded.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final
from uuid import UUID

import msgspec

from billing.line_kinds import LineKind
from billing.periods import calendar_month
from billing.plans.terms import PlanCopy
from billing.pricing.numbers import exact
from billing.pricing.periods import period_containing
from billing.pricing.rounding import round_to_integer
from billing.pricing.rules import BillingRules, ProrationUnit
from billing.subscriptions.timeline import (
    Run,
    Subscribed,
    TimelinePart,
    billed_share,
    local_of,
    parts_until,
    runs_of,
    share_of,
)
from canonical.money import stored_exponent

_INSTANT: Final = timedelta(microseconds=1)


class DueFee(msgspec.Struct, frozen=True, kw_only=True):
    """A fee of a subscription, due at an instant, in a month of the client's calendar. `key` is the same for the same
    fee, whatever else changes.
    """

    key: str
    kind: LineKind
    due: datetime
    month: datetime
    """Start of the month, as invoices name it."""
    subscription_id: UUID
    plan: str
    name: str
    service_from: datetime
    service_until: datetime
    quantity: Decimal
    unit_price: Decimal
    amount_minor: int
    units: int = 1
    """Number of units of the item, such as seats; `quantity` is the line's, which is for a part of a period."""


class TrueUp(msgspec.Struct, frozen=True, kw_only=True):
    """Lowest sum of the lines from the month `since` to `month`, in minor units."""

    key: str
    kind: LineKind
    due: datetime
    month: datetime
    since: datetime
    subscription_id: UUID
    plan: PlanCopy
    service_from: datetime
    service_until: datetime
    limit_minor: Fraction


class _Item(msgspec.Struct, frozen=True):
    """A component of a plan in a cycle: its price for a period and its quantity."""

    name: str
    plan: str
    price: Decimal
    quantity: int

    @property
    def amount(self) -> Fraction:
        return exact(self.price) * self.quantity


_Level = Mapping[str, _Item]


class _Stretch(msgspec.Struct, frozen=True):
    """Items charged between two instants of a period."""

    start: datetime
    end: datetime
    items: _Level


class _Period(msgspec.Struct, frozen=True):
    """The billed part of a period: from `start` until `end`, which is `share` of the whole one, and where it stops.
    Parts of it are counted in `unit`.
    """

    run: Run
    whole: tuple[datetime, datetime]
    start: datetime
    end: datetime
    share: Fraction
    stops_at: datetime
    stretches: Sequence[_Stretch]
    unit: ProrationUnit

    def part(self, start: datetime, end: datetime) -> Fraction:
        """Share of the period between two instants, at most the billed one: parts of months of thirty days need not add
        up to the whole.
        """
        if (start, end) == (self.start, self.end):
            return self.share
        if self.unit in (ProrationUnit.SECOND, ProrationUnit.DAY):
            return self.share * share_of(self.run, (self.start, self.end), (start, end), self.unit)
        return min(self.share, share_of(self.run, self.whole, (start, end), self.unit))


def fees_of(subscribed: Subscribed, until: datetime, rules: BillingRules) -> list[DueFee]:
    """All fees that are due before `until`, by their moment."""
    writer = _Writer(subscribed, rules)
    fees: list[DueFee] = []
    for index, run in enumerate(runs_of(subscribed, rules)):
        if index == 0:
            fees += writer.setup(run)
        in_advance = run.parts[0].plan.terms.in_advance
        for number, start, end in run.periods(until):
            period = _billed(run, number, (start, end), rules)
            fees += writer.in_advance(period) if in_advance else writer.in_arrears(period, run)
    return sorted((one for one in fees if one.due < until), key=lambda one: (one.due, one.key))


def _billed(run: Run, number: int, bounds: tuple[datetime, datetime], rules: BillingRules) -> _Period:
    start, end = max(bounds[0], run.start), bounds[1]
    stops_at = end
    if run.end is not None and run.billed_until is not None and run.end < end and run.credits:
        stops_at = min(run.billed_until, end)
    stretches: list[_Stretch] = []
    has_begun = False
    for first, last, part in parts_until(run, start, stops_at):
        is_free = part.is_paused and (rules.pause_credits or not has_begun)
        has_begun = has_begun or not is_free
        stretches.append(_Stretch(first, last, {} if is_free else _items(run, number, part)))
    share = billed_share(run, bounds, start, rules)
    return _Period(run, bounds, start, end, share, stops_at, stretches, rules.change_proration)


def _items(run: Run, number: int, part: TimelinePart) -> _Level:
    terms, plan = part.plan.terms, part.plan
    began = period_containing(run.anchor, run.interval, local_of(part.cycle_from, run.zone))[0]
    fee, seat = terms.prices_in(max(1, number - run.number_of(began) + 1))
    items = {
        "fee": _Item(plan.name, plan.code, fee, 1),
        "seats": _Item(_join(plan.name, terms.seat_name), plan.code, seat, part.quantity),
    }
    for one in terms.add_ons:
        items[f"add-on {one.code}"] = _Item(
            _join(plan.name, one.name), plan.code, one.price, part.add_ons.get(one.code, 0)
        )
    return {name: item for name, item in items.items() if item.amount}


def _join(plan: str, name: str) -> str:
    return f"{plan}: {name}" if name else plan


class _Writer:
    def __init__(self, subscribed: Subscribed, rules: BillingRules) -> None:
        self._of = subscribed
        self._rules = rules
        self._exponent = stored_exponent(subscribed.plan.currency)

    def setup(self, run: Run) -> Iterator[DueFee]:
        plan = self._of.plan
        price = plan.terms.setup_fee
        if price:
            item = _Item(plan.terms.setup_name or plan.name, plan.code, price, 1)
            yield self._whole("setup", LineKind.ONE_OFF, item, run.start, (run.start, run.start + _INSTANT))

    def in_advance(self, period: _Period) -> Iterator[DueFee]:
        last: _Level = {}
        for stretch in period.stretches:
            if stretch.start == period.start:
                for name, item in stretch.items.items():
                    yield self._charge(name, item, period, (period.start, period.end), period.start)
            else:
                yield from self._change(last, stretch.items, period, stretch.start)
            last = stretch.items
        if period.stops_at < period.end:
            yield from self._change(last, {}, period, period.stops_at)

    def _change(self, old: _Level, new: _Level, period: _Period, at: datetime) -> Iterator[DueFee]:
        rest = (at, period.end)
        for name in dict.fromkeys([*old, *new]):
            before, after = old.get(name), new.get(name)
            if (before.amount if before else 0) == (after.amount if after else 0):
                continue
            if before:
                yield self._part(f"{name} credit", LineKind.PRORATION_CREDIT, before, period, rest, at)
            if after:
                yield self._part(f"{name} charge", LineKind.PRORATION_CHARGE, after, period, rest, at)

    def in_arrears(self, period: _Period, run: Run) -> Iterator[DueFee]:
        due = (period.end if run.billed_until is None else min(period.end, run.billed_until)) - _INSTANT
        open_: dict[str, _Stretch] = {}
        for stretch in (*period.stretches, _Stretch(period.stops_at, period.stops_at, {})):
            for name, started in [*open_.items()]:
                item = stretch.items.get(name)
                if item is None or item.amount != started.items[name].amount:
                    bounds = (started.start, stretch.start)
                    yield self._charge(name, started.items[name], period, bounds, due)
                    del open_[name]
            for name in stretch.items:
                open_.setdefault(name, stretch)

    def _charge(
        self, name: str, item: _Item, period: _Period, bounds: tuple[datetime, datetime], due: datetime
    ) -> DueFee:
        if period.share == 1 and bounds == (period.start, period.end):
            return self._whole(name, LineKind.SUBSCRIPTION, item, due, bounds)
        return self._part(name, LineKind.PRORATION_CHARGE, item, period, bounds, due)

    def _whole(
        self, name: str, kind: LineKind, item: _Item, due: datetime, bounds: tuple[datetime, datetime]
    ) -> DueFee:
        return self._fee(name, kind, item, due, bounds, self._minor(item.amount))

    def _part(  # noqa: PLR0913, PLR0917 - one line of an invoice
        self,
        name: str,
        kind: LineKind,
        item: _Item,
        period: _Period,
        bounds: tuple[datetime, datetime],
        due: datetime,
    ) -> DueFee:
        minor = self._minor(item.amount * period.part(*bounds))
        return self._fee(name, kind, item, due, bounds, -minor if kind is LineKind.PRORATION_CREDIT else minor)

    def _fee(  # noqa: PLR0913, PLR0917 - one line of an invoice
        self, name: str, kind: LineKind, item: _Item, due: datetime, bounds: tuple[datetime, datetime], minor: int
    ) -> DueFee:
        is_whole = kind in (LineKind.SUBSCRIPTION, LineKind.ONE_OFF)
        return DueFee(
            key=f"{self._of.id} {name} {bounds[0].timestamp():.6f}",
            kind=kind, due=due, month=calendar_month(due, self._of.zone).start, subscription_id=self._of.id,
            plan=item.plan, name=item.name, service_from=bounds[0], service_until=bounds[1], amount_minor=minor,
            quantity=Decimal(item.quantity if is_whole else -1 if minor < 0 else 1),
            unit_price=item.price if is_whole else Decimal(abs(minor)).scaleb(-self._exponent), units=item.quantity,
        )  # fmt: skip

    def _minor(self, amount: Fraction) -> int:
        return round_to_integer(amount * 10**self._exponent, self._rules.rounding)


def true_ups_of(subscribed: Subscribed, until: datetime, rules: BillingRules) -> list[TrueUp]:
    """Minimums and commitments whose period ends before `until`; those that end in one month are one."""
    found: dict[tuple[LineKind, datetime], TrueUp] = {}
    exponent = stored_exponent(subscribed.plan.currency)
    since: dict[LineKind, datetime] = {}
    for run in runs_of(subscribed, rules):
        for _, start, end in run.periods(until):
            due = (end if run.billed_until is None else min(end, run.billed_until)) - _INSTANT
            if due >= until:
                continue
            for kind, limit, plan in _limits(subscribed, run, (start, end), due + _INSTANT, rules):
                month = calendar_month(due, run.zone)
                first = since.get(kind, calendar_month(run.start, run.zone).start)
                before = found.get((kind, month.start))
                minor = limit * 10**exponent + (before.limit_minor if before else 0)
                found[kind, month.start] = TrueUp(
                    key=true_up_key(subscribed.id, kind, month.start), kind=kind, due=due, month=month.start,
                    since=before.since if before else first, subscription_id=subscribed.id, plan=plan,
                    service_from=before.service_from if before else max(start, run.start),
                    service_until=due + _INSTANT, limit_minor=minor,
                )  # fmt: skip
                since[kind] = month.end
    return list(found.values())


def component_of(fee_key: str) -> str:
    """Component of the plan that a fee is for, such as its seats: the middle part of the fee's key."""
    middle = fee_key.partition(" ")[2].rpartition(" ")[0]
    return middle.removesuffix(" credit").removesuffix(" charge")


def true_up_key(subscription_id: UUID, kind: LineKind, month: datetime) -> str:
    """`month`: the start of that in which the period ends by the client's calendar, as invoices name it."""
    return f"{subscription_id} {kind} {month:%Y-%m}"


def _limits(
    subscribed: Subscribed, run: Run, period: tuple[datetime, datetime], stop: datetime, rules: BillingRules
) -> Iterator[tuple[LineKind, Fraction, PlanCopy]]:
    """The minimum and the commitment of the billed days of a period, with the plan that applied last. Days of the trial
    count for the commitment unless `trial_prorates_commitment`.
    """
    sums: dict[LineKind, Fraction] = {}
    plan, begin = run.parts[-1].plan, max(period[0], run.start)
    in_trial = max(period[0], subscribed.starts_at)
    for first, last, part in parts_until(run, begin, stop):
        if part.is_paused and rules.pause_credits:
            continue
        plan, terms = part.plan, part.plan.terms
        for kind, limit in ((LineKind.MINIMUM, terms.minimum), (LineKind.COMMITMENT, terms.commitment)):
            if limit is None:
                continue
            if terms.prorates_true_up and rules.prorates_minimum:
                is_whole = kind is LineKind.COMMITMENT and not rules.trial_prorates_commitment
                since = min(first, in_trial) if is_whole and first == begin == subscribed.billed_from else first
                part_of = _days(run, since, last) / _days(run, *period)
                sums[kind] = sums.get(kind, Fraction(0)) + exact(limit) * part_of
            else:
                sums[kind] = exact(limit)
    for kind, total in sums.items():
        yield kind, total, plan


def _days(run: Run, start: datetime, end: datetime) -> Fraction:
    return Fraction((local_of(end, run.zone).date() - local_of(start, run.zone).date()).days)
