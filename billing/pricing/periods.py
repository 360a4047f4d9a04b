"""Billing periods from an anchor, local midnights, phases and ramps."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from billing.pricing.numbers import Number, decimal, exact

Day = TypeVar("Day", date, datetime)


class Interval(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"


_MONTHS = {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.HALF_YEAR: 6, Interval.YEAR: 12}
_DAYS = {Interval.DAY: 1, Interval.WEEK: 7}


class LocalPeriod(msgspec.Struct, frozen=True):
    """A period of local time in UTC; `hours` is its real length, one off at a change of the clocks."""

    start: datetime
    end: datetime
    hours: Decimal


class Phase(msgspec.Struct, frozen=True):
    """A price for `cycles` periods; None for all that follow."""

    price: Number
    cycles: int | None = None


class RampSegment(msgspec.Struct, frozen=True):
    unit_price: Number
    quantity: Number
    discount_pct: Number = 0
    discount_amount: Number = 0
    periods: Number = 1


class RampLine(msgspec.Struct, frozen=True):
    """Amounts of a segment: total before the discount, unit price after it, and total after it."""

    list_total: Decimal
    net_unit: Decimal
    net_total: Decimal


def step(anchor: Day, interval: Interval, count: int = 1) -> Day:
    """`count` intervals after the anchor. The anchor's day is kept, or the month's last one: 31 January, 29 February,
    31 March. Counted from the anchor each time, since a chain of months drifts to 29.
    """
    if interval in _DAYS:
        return anchor + timedelta(days=_DAYS[interval] * count)
    months = anchor.year * 12 + anchor.month - 1 + _MONTHS[interval] * count
    year, month = divmod(months, 12)
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, monthrange(year, month + 1)[1]))


def period_starts(anchor: Day, interval: Interval, count: int, *, every: int = 1) -> list[Day]:
    """The first days of `count` periods of `every` intervals, beginning with the anchor."""
    return [step(anchor, interval, every * number) for number in range(count)]


def period_containing(anchor: Day, interval: Interval, moment: Day, *, every: int = 1) -> tuple[Day, Day]:
    """Start, included, and end, not included, of the anchor's period that `moment` lies in, also before the anchor."""
    size = (_DAYS.get(interval) or 28 * _MONTHS[interval]) * every
    number = (moment - anchor).days // size + 1
    while step(anchor, interval, every * number) > moment:
        number -= 1
    return step(anchor, interval, every * number), step(anchor, interval, every * (number + 1))


def local_instant(local: datetime, zone: str) -> datetime:
    """The instant of a local time. A time that the clocks skip is the instant of the change; of a time that they show
    twice, the first.
    """
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def local_period(start: datetime, end: datetime, zone: str) -> LocalPeriod:
    """A period between two local times, `end` not included."""
    first, last = local_instant(start, zone), local_instant(end, zone)
    return LocalPeriod(first, last, decimal(Fraction(round((last - first).total_seconds()), 3600)))


def phase_price(phases: Sequence[Phase], cycle: int) -> Decimal:
    """The price of a cycle, counted from 1; the last phase goes on.

    Raises:
        ValueError: no phases, or a cycle below 1.
    """
    if cycle < 1 or not phases:
        raise ValueError("cycles are counted from 1, in phases")
    passed = 0
    for phase in phases:
        passed += phase.cycles or 0
        if phase.cycles is None or cycle <= passed:
            return decimal(exact(phase.price))
    return decimal(exact(phases[-1].price))


def ramp_lines(segments: Sequence[RampSegment]) -> list[RampLine]:
    """Totals of each dated segment of a ramp: first the percentage off a unit, then the amount."""
    lines: list[RampLine] = []
    for one in segments:
        net = exact(one.unit_price) * (1 - exact(one.discount_pct) / 100) - exact(one.discount_amount)
        units = exact(one.quantity) * exact(one.periods)
        lines.append(RampLine(decimal(exact(one.unit_price) * units), decimal(net), decimal(net * units)))
    return lines


def monthly_amount(amount: Number, months: Number) -> Fraction:
    """Price of one month."""
    return exact(amount) / exact(months)


def is_upgrade(old_amount: Number, old_months: Number, new_amount: Number, new_months: Number) -> bool:
    """Whether the new plan costs as much as the old one in a month, or more. A downgrade waits for the period's end
    (`BillingRules.downgrade`).
    """
    return monthly_amount(new_amount, new_months) >= monthly_amount(old_amount, old_months)
