"""Time is passed in: a `Clock` is any callable that returns an aware UTC datetime."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def write_utc(moment: datetime) -> str:
    """For texts that say the zone themselves, whatever zone the instant came in.

    Another system's instant can be one that has no year in UTC: that is written with its own offset.
    """
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        return f"{moment:%Y-%m-%d %H:%M %z}"
    return f"{moment:%Y-%m-%d %H:%M} UTC"
