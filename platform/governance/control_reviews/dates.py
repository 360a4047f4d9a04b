"""Days on which reviews are scheduled. Pure."""

from calendar import monthrange
from datetime import date
from itertools import count

from governance.control_reviews.states import ReviewCadence


def next_day(starts_on: date, cadence: ReviewCadence, *, since: date) -> date:
    """The first day of the recurrence that is not before `since`. In a month without the day, its last one."""
    if since <= starts_on:
        return starts_on
    months = (since.year - starts_on.year) * 12 + since.month - starts_on.month
    first = months // cadence.months
    return next(day for step in count(first) if (day := _later(starts_on, step * cadence.months)) >= since)


def _later(day: date, months: int) -> date:
    years, place = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, place + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
