"""Billing periods: half-open, in UTC."""

import re
from collections.abc import Sequence
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from foundation.errors import InvalidInput
from foundation.marks import N_

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


class Period(msgspec.Struct, frozen=True, order=True):
    """From `start`, included, to `end`, not included."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None or self.start >= self.end:
            raise ValueError("a period starts before it ends, both with a time zone")


class Service(msgspec.Struct, frozen=True):
    """Usage between `start` and `end` counts towards the allowance that began at `allowance_from`."""

    start: datetime
    end: datetime
    allowance_from: datetime


def month_of(moment: datetime) -> Period:
    moment = moment.astimezone(UTC)
    start = datetime(moment.year, moment.month, 1, tzinfo=UTC)
    end = datetime(moment.year + moment.month // 12, moment.month % 12 + 1, 1, tzinfo=UTC)
    return Period(start, end)


def calendar_month(moment: datetime, zone: str) -> Period:
    """The month of the calendar in `zone` that `moment` lies in, as invoices name it: with bounds in UTC."""
    return month_of(moment.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC))


def local_month(month: Period, zone: str) -> Period:
    """The begin and end, by the clocks of `zone`, of a month as invoices name it."""
    start, end = (one.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for one in (month.start, month.end))
    return Period(start, end)


def month_before(moment: datetime) -> Period:
    """The month before that of `moment`."""
    return month_of(month_of(moment).start - timedelta(days=1))


def parse_month(text: str) -> Period:
    """Raises InvalidInput for anything but a month such as 2026-03 with a representable previous and next month."""
    found = _MONTH.fullmatch(text)
    if found is None or not EPOCH.year < int(found[1]) < MAXYEAR:
        raise InvalidInput(N_("Enter the month as year and month, such as 2026-03."), field="month")
    return month_of(datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC))


def services_billed_in(period: Period, closed: Sequence[Period]) -> list[Service]:
    """Services that an invoice of `period` may bill: its own usage, and late usage from before the end of the last
    closed period.

    Late usage keeps the allowance of its own, closed period, so lateness does not lower the price.
    """
    services: list[Service] = []
    cursor = EPOCH
    for past in sorted(closed):
        if past.start > cursor:
            services.append(Service(cursor, past.start, cursor))
        services.append(Service(max(cursor, past.start), max(cursor, past.end), past.start))
        cursor = max(cursor, past.end)
    services.append(Service(period.start, period.end, period.start))
    return [service for service in services if service.start < service.end]
