"""A subscription as its start and its steps: what applies when, and in which billing periods. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from fractions import Fraction
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from billing.plans.terms import MONTHS, PlanCopy
from billing.pricing.periods import Interval, local_instant, period_containing, step
from billing.pricing.proration import DayCount, days_of_thirty
from billing.pricing.rules import BillingRules, ProrationUnit
from billing.subscriptions.states import ALLOWED, StepKind, SubscriptionState
from foundation.errors import Conflict
from foundation.marks import N_

_CALENDAR: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - local time
"""Calendar billing counts months, quarters and years from here."""


class TimelineStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a subscription at an instant; of two at one instant, the lower `number` comes first.

    None: unchanged. `credits`: a cancellation credits the unused rest of the period.
    """

    id: UUID
    number: int
    kind: StepKind
    at: datetime
    plan: PlanCopy | None = None
    quantity: int | None = None
    add_ons: Mapping[str, int] | None = None
    credits: bool = True


class Subscribed(msgspec.Struct, frozen=True, kw_only=True):
    """Input of the fees of a subscription. `steps` are those not undone, in any order. `starts_at` is a local midnight
    of `zone`.

    `calendar`: periods begin with the calendar's months, quarters or years; else on the day that billing began.
    """

    id: UUID
    zone: str
    calendar: bool
    starts_at: datetime
    plan: PlanCopy
    quantity: int = 1
    add_ons: Mapping[str, int] = msgspec.field(default_factory=dict)
    steps: Sequence[TimelineStep] = ()

    @property
    def in_order(self) -> Sequence[TimelineStep]:
        return sorted(self.steps, key=lambda one: (one.at, one.number))

    @property
    def billed_from(self) -> datetime:
        """The start, or the end of the trial."""
        days = self.plan.terms.trial_days
        if not days:
            return self.starts_at
        first = local_of(self.starts_at, self.zone).date()
        return local_instant(datetime.combine(first + timedelta(days=days), time()), self.zone)

    @property
    def ends_at(self) -> datetime | None:
        return next((one.at for one in self.in_order if one.kind is StepKind.CANCEL), None)


class TimelinePart(msgspec.Struct, frozen=True):
    """Terms in force from `start` until the next part. `cycle_from`: the plan's beginning, for its phases."""

    start: datetime
    plan: PlanCopy
    quantity: int
    add_ons: Mapping[str, int]
    is_paused: bool
    cycle_from: datetime


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Parts that are billed in one grid of periods. `anchor` is local time; `first` its number of the first period.

    The run ends at `end`, where the rest of the period is not charged if it `credits`. `billed_until` is that end, or
    the end of its day if that day is billed.
    """

    anchor: datetime
    interval: Interval
    zone: str
    start: datetime
    end: datetime | None
    billed_until: datetime | None
    credits: bool
    parts: Sequence[TimelinePart]

    def boundary(self, number: int) -> datetime:
        return local_instant(step(self.anchor, self.interval, number), self.zone)

    def number_of(self, start: datetime) -> int:
        """Number of the period that begins at this local time."""
        months = (start.year - self.anchor.year) * 12 + start.month - self.anchor.month
        return months // MONTHS[self.interval]

    def periods(self, until: datetime) -> Iterator[tuple[int, datetime, datetime]]:
        """Number, start and end of each period that begins before `until` and before the end of the run."""
        last = until if self.end is None else min(until, self.end)
        local = local_of(self.start, self.zone)
        first = period_containing(self.anchor, self.interval, local)[0]
        number = self.number_of(first)
        while (start := self.boundary(number)) < last:
            yield number, start, self.boundary(number + 1)
            number += 1


def local_of(instant: datetime, zone: str) -> datetime:
    """The local time, without a zone."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def runs_of(subscribed: Subscribed, rules: BillingRules) -> list[Run]:
    """The billed time. A change of the interval begins a new run with a new cycle; one of the moment of payment a new
    run in the same cycle.
    """
    begin, end = subscribed.billed_from, subscribed.ends_at
    if end is not None and end <= begin:
        return []
    parts = _parts(subscribed, begin, end)
    credits_end = next((one.credits for one in subscribed.in_order if one.kind is StepKind.CANCEL), True)
    groups: list[list[TimelinePart]] = []
    for part in parts:
        before = groups[-1][-1].plan.terms if groups else None
        terms = part.plan.terms
        if before is None or (before.interval, before.in_advance) != (terms.interval, terms.in_advance):
            groups.append([])
        groups[-1].append(part)
    runs: list[Run] = []
    for index, group in enumerate(groups):
        interval = group[0].plan.terms.interval
        last = index == len(groups) - 1
        stop = end if last else groups[index + 1][0].start
        if subscribed.calendar:
            anchor = _CALENDAR
        elif runs and (runs[-1].interval is interval or rules.keeps_cycle_on_interval_change):
            anchor = runs[-1].anchor
        else:
            anchor = local_of(group[0].start, subscribed.zone)
        runs.append(
            Run(
                anchor=anchor, interval=interval, zone=subscribed.zone, start=group[0].start, parts=group, end=stop,
                billed_until=_day_after(stop, subscribed.zone) if last and stop and rules.bills_last_day else stop,
                credits=credits_end if last else True,
            )
        )  # fmt: skip
    return runs


def _day_after(instant: datetime, zone: str) -> datetime:
    """The end of the local day that `instant` lies in."""
    return local_instant(datetime.combine(local_of(instant, zone) + timedelta(days=1), time()), zone)


def _parts(subscribed: Subscribed, begin: datetime, end: datetime | None) -> list[TimelinePart]:
    plan, quantity, add_ons = subscribed.plan, subscribed.quantity, subscribed.add_ons
    paused, cycle_from = False, begin
    parts: list[TimelinePart] = []
    for one in subscribed.in_order:
        if one.kind is StepKind.CANCEL or (end is not None and one.at >= end):
            break
        if one.at > begin and not parts:
            parts.append(TimelinePart(begin, plan, quantity, add_ons, paused, cycle_from))
        if one.plan is not None and one.plan.version_id != plan.version_id:
            plan, cycle_from = one.plan, max(begin, one.at)
        quantity = quantity if one.quantity is None else one.quantity
        add_ons = add_ons if one.add_ons is None else one.add_ons
        paused = {StepKind.PAUSE: True, StepKind.RESUME: False}.get(one.kind, paused)
        if one.at > begin:
            earlier = parts[:-1] if parts[-1].start == one.at else parts
            if plan.version_id == earlier[-1].plan.version_id:  # there and back at one instant
                cycle_from = earlier[-1].cycle_from
            parts = [*earlier, TimelinePart(one.at, plan, quantity, add_ons, paused, cycle_from)]
    return parts or [TimelinePart(begin, plan, quantity, add_ons, paused, cycle_from)]


def billed_share(run: Run, period: tuple[datetime, datetime], start: datetime, rules: BillingRules) -> Fraction:
    """Share of a period that remains from `start`, by the unit of the rules: by days only between local midnights, else
    by the second.
    """
    if start <= period[0] or local_of(start, run.zone) == local_of(period[0], run.zone):  # an hour that comes twice
        return Fraction(1)
    unit = rules.part_period_proration
    if unit is ProrationUnit.DAY and any(local_of(one, run.zone).time() != time() for one in (*period, start)):
        unit = ProrationUnit.SECOND
    return share_of(run, period, (start, period[1]), unit)


def share_of(
    run: Run, whole: tuple[datetime, datetime], part: tuple[datetime, datetime], unit: ProrationUnit
) -> Fraction:
    """`part` of the period `whole`, at most 1. Days are those of the client's calendar; the day of a change belongs to
    what follows. A unit of thirty days gives each month thirty.
    """
    first, end = (local_of(one, run.zone).date() for one in part)
    begins, ends = (local_of(one, run.zone).date() for one in whole)
    if unit is ProrationUnit.SECOND or begins == ends:
        return elapsed(*part) / elapsed(*whole)
    if unit is ProrationUnit.DAY:
        return Fraction((end - first).days, (ends - begins).days)
    method = DayCount.THIRTY if unit is ProrationUnit.THIRTY_STRICT else DayCount.ACTUAL_30
    return min(Fraction(1), Fraction(days_of_thirty(first, end, method), 30 * MONTHS[run.interval]))


def elapsed(start: datetime, end: datetime) -> Fraction:
    """Microseconds between two instants."""
    return Fraction((end - start) // timedelta(microseconds=1))


def state_at(subscribed: Subscribed, moment: datetime) -> SubscriptionState:
    steps = subscribed.in_order
    return _state(subscribed, steps, [one for one in steps if one.at <= moment], moment)


def _state(
    subscribed: Subscribed, steps: Sequence[TimelineStep], past: Sequence[TimelineStep], moment: datetime
) -> SubscriptionState:
    if any(one.kind is StepKind.CANCEL for one in past):
        return SubscriptionState.CANCELLED
    if moment < subscribed.starts_at:
        return SubscriptionState.SCHEDULED
    if any(one.kind is StepKind.CANCEL for one in steps):
        return SubscriptionState.CANCELLING
    return _running(subscribed, past, moment)


def _running(subscribed: Subscribed, past: Sequence[TimelineStep], moment: datetime) -> SubscriptionState:
    if moment < subscribed.starts_at:
        return SubscriptionState.SCHEDULED
    pauses = [one.kind for one in past if one.kind in (StepKind.PAUSE, StepKind.RESUME)]
    if pauses and pauses[-1] is StepKind.PAUSE:
        return SubscriptionState.PAUSED
    return SubscriptionState.TRIALING if moment < subscribed.billed_from else SubscriptionState.ACTIVE


def check_steps(subscribed: Subscribed) -> None:
    """Raises Conflict: a step, or one after it, is not possible in the state at its time."""
    steps = subscribed.in_order
    for index, one in enumerate(steps):
        past = steps[:index]
        ended = any(before.kind is StepKind.CANCEL for before in past)
        state = SubscriptionState.CANCELLED if ended else _running(subscribed, past, one.at)
        if state not in ALLOWED[one.kind]:
            raise Conflict(_REFUSALS[one.kind])


_REFUSALS: Final = {
    StepKind.CHANGE: N_("A subscription can be changed while it is active, and not beside a later pause or end."),
    StepKind.PAUSE: N_("Only an active subscription can be paused."),
    StepKind.RESUME: N_("Only a paused subscription can be resumed."),
    StepKind.CANCEL: N_("This subscription has ended, or its end is scheduled already. Undo that first."),
}


def parts_until(run: Run, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, TimelinePart]]:
    """Parts of the run within [start, end), each with its bounds."""
    for index, part in enumerate(run.parts):
        after = run.parts[index + 1].start if index + 1 < len(run.parts) else end
        first, last = max(start, part.start), min(end, after)
        if first < last:
            yield first, last, part


def period_at(subscribed: Subscribed, moment: datetime, rules: BillingRules) -> tuple[datetime, datetime] | None:
    """The billing period that `moment` lies in; None outside the billed time."""
    for run in runs_of(subscribed, rules):
        if run.start <= moment and (run.end is None or moment < run.end):
            *_, (_, start, end) = run.periods(moment + timedelta(microseconds=1))
            return max(start, run.start), end
    return None


def part_at(subscribed: Subscribed, moment: datetime) -> TimelinePart:
    """Part in force at `moment`, also in the trial; before the start, the first part."""
    begin = min(subscribed.starts_at, moment)
    return [one for one in _parts(subscribed, begin, None) if one.start <= moment][-1]
