"""Time is passed in: a `Clock` is any callable that returns an aware UTC datetime."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def write_utc(moment: datetime) -> str:
    """The instant in UTC with its zone, to the minute.

    An instant from another system may have no year in UTC: that one is written with its own offset.
    """
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        return f"{moment:%Y-%m-%d %H:%M %z}"
    return f"{moment:%Y-%m-%d %H:%M} UTC"
