"""Time is passed in: a `Clock` is any callable that returns an aware UTC datetime."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def write_utc(moment: datetime) -> str:
    """For texts that say the zone themselves, whatever zone the instant came in."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
