"""Billing periods: half-open, in UTC."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Period(msgspec.Struct, frozen=True, order=True):
    """From `start`, included, to `end`, not included."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None or self.start >= self.end:
            raise ValueError("a period starts before it ends, both with a time zone")


class Service(msgspec.Struct, frozen=True):
    """Use between `start` and `end` belongs to the allowance that began at `allowance_from`."""

    start: datetime
    end: datetime
    allowance_from: datetime


def month_of(moment: datetime) -> Period:
    moment = moment.astimezone(UTC)
    start = datetime(moment.year, moment.month, 1, tzinfo=UTC)
    end = datetime(moment.year + moment.month // 12, moment.month % 12 + 1, 1, tzinfo=UTC)
    return Period(start, end)


def services_billed_in(period: Period, closed: Sequence[Period]) -> list[Service]:
    """What an invoice of `period` may bill: its own use, and late use from before the end of the last closed period.

    Late use keeps the allowance of the closed period it happened in, so lateness makes nothing cheaper.
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
