"""Parts of periods. Credit and charge of a change are two amounts, each rounded."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import msgspec

from billing.pricing.numbers import Number, exact, share, total
from billing.pricing.periods import Interval, period_containing
from billing.pricing.rounding import Rounding, round_amount, round_to_integer


class DayCount(StrEnum):
    """Count of days in months of thirty days."""

    ACTUAL_30 = "actual_360"
    """Days of the calendar, of thirty: a whole month of 31 days costs 31/30."""
    THIRTY = "30_360"
    """Each month has thirty days: the 31st counts with the 30th, and February's last one with the next ones."""


class PlanChange(msgspec.Struct, frozen=True):
    """`credit_minor` for the rest of the old plan and `debit_minor` for the new one, both positive."""

    credit_minor: int
    debit_minor: int

    @property
    def net_minor(self) -> int:
        return self.debit_minor - self.credit_minor


def prorate_days(  # noqa: PLR0913 - keyword-only
    price: Number,
    period: tuple[date, date],
    used: tuple[date, date],
    *,
    exponent: int = 0,
    mode: Rounding = Rounding.HALF_UP,
    last_day_included: bool = False,
    credit: bool = False,
) -> Decimal:
    """The price of the days of `used` in `period`. Both ends are not included, unless `last_day_included`: then the day
    that `used` ends on is billed. `period` is the whole one, found from the anchor, also when only a stub is billed.
    `credit`: negative.

    Raises:
        ValueError: an empty period, or days outside it.
    """
    (start, end), (first, last) = period, used
    if last_day_included:
        last = min(last + timedelta(days=1), end)
    if not start < end or not start <= first <= last <= end:
        raise ValueError("the days lie in a period that ends after it starts")
    return prorate(price, (last - first).days, (end - start).days, exponent=exponent, mode=mode, credit=credit)


def prorate(  # noqa: PLR0913 - keyword-only
    price: Number,
    part: Number,
    whole: Number,
    *,
    exponent: int = 0,
    mode: Rounding = Rounding.HALF_UP,
    credit: bool = False,
) -> Decimal:
    """`part` of `whole` of the price, rounded once."""
    amount = exact(price) * share(part, whole)
    return round_amount(-amount if credit else amount, exponent, mode)


def prorate_30_day_month(  # noqa: PLR0913 - keyword-only
    price: Number,
    first: date,
    last: date,
    *,
    method: DayCount = DayCount.THIRTY,
    last_day_included: bool = False,
    exponent: int = 2,
    mode: Rounding = Rounding.HALF_UP,
) -> Decimal:
    """The price of a month for the days from `first` until `last`, of thirty."""
    end = last + timedelta(days=1) if last_day_included else last
    return prorate(price, days_of_thirty(first, end, method), 30, exponent=exponent, mode=mode)


def days_of_thirty(first: date, end: date, method: DayCount) -> int:
    """Days from `first` until `end`, which is not included, in months of thirty days."""
    if method is DayCount.ACTUAL_30:
        return (end - first).days
    months = (end.year - first.year) * 12 + end.month - first.month
    return months * 30 + min(end.day, 30) - min(first.day, 30)


def change_by_seconds(
    old_minor: Number,
    new_minor: Number,
    *,
    period: tuple[datetime, datetime],
    at: datetime,
    mode: Rounding = Rounding.HALF_UP,
) -> PlanChange:
    """Credit and charge for the rest of a period that both plans share, by the second, each rounded. Back and forth at
    one instant comes to 0.
    """
    left = _left(period, at)
    return PlanChange(round_to_integer(exact(old_minor) * left, mode), round_to_integer(exact(new_minor) * left, mode))


def plan_change(  # noqa: PLR0913 - keyword-only
    old: tuple[Interval, Number],
    new: tuple[Interval, Number],
    *,
    cycle_start: datetime,
    at: datetime,
    keep_cycle: bool = False,
    mode: Rounding = Rounding.HALF_UP,
) -> PlanChange:
    """Change between plans of an interval and a price in minor units, within the cycle that `at` lies in.

    With the same interval, the rest of the cycle is credited and charged. Another interval begins a new cycle at the
    change and is charged whole; with `keep_cycle` it is charged for the rest of its own cycle from the old anchor.
    """
    left = _left(period_containing(cycle_start, old[0], at), at)
    new_left = left
    if new[0] is not old[0]:
        new_left = _left(period_containing(cycle_start, new[0], at), at) if keep_cycle else Fraction(1)
    return PlanChange(round_to_integer(exact(old[1]) * left, mode), round_to_integer(exact(new[1]) * new_left, mode))


def billing_cycles(parts: Sequence[tuple[Number, Number]], *, whole: Number = 0) -> Fraction:
    """Whole cycles and parts of cycles (days, of days) in sum, exact."""
    return exact(whole) + total([share(days, of_days) for days, of_days in parts])


def trial_first_bill(
    price: Number,
    period: tuple[date, date],
    trial_end: date,
    *,
    exponent: int = 0,
    mode: Rounding = Rounding.HALF_UP,
) -> Decimal:
    """The first bill of a price paid in advance, at the end of the trial: the rest of the period; 0 when the trial
    lasts longer, the whole price when it ended before.
    """
    start, end = period
    return prorate_days(price, period, (max(start, min(trial_end, end)), end), exponent=exponent, mode=mode)


def _left(period: tuple[datetime, datetime], at: datetime) -> Fraction:
    """Raises ValueError outside the period."""
    start, end = period
    if not start <= at <= end or start == end:
        raise ValueError("the change lies in the period")
    return Fraction((end - at) // timedelta(microseconds=1), (end - start) // timedelta(microseconds=1))
