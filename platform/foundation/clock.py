"""Clocks, which are passed in: any callable that returns an aware UTC datetime."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def day_in(zone: str, moment: datetime) -> date:
    """The day of the moment by the calendar of a time zone such as Europe/Berlin."""
    return moment.astimezone(ZoneInfo(zone)).date()


def write_utc(moment: datetime) -> str:
    """The instant in UTC with its zone, to the minute.

    An instant from another system whose UTC year is not representable is written with its own offset.
    """
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        return f"{moment:%Y-%m-%d %H:%M %z}"
    return f"{moment:%Y-%m-%d %H:%M} UTC"
