"""Times of further attempts, and of the pause of an endpoint that keeps failing."""

from datetime import timedelta
from typing import Final

RETRY_SCHEDULE: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Delays after each failed attempt, about three days in all: the schedule that Standard Webhooks 1.0 recommends."""
MOST_ATTEMPTS: Final = len(RETRY_SCHEDULE) + 1
AUTO_PAUSE_AFTER: Final = timedelta(days=5)
"""Time without a success after which an endpoint is paused."""
_SPREAD: Final = 0.1


def next_delay(failed: int, *, retry_after: float | None, jitter: float) -> timedelta | None:
    """Delay before the next attempt after `failed` attempts; None when there is none. A longer Retry-After is honoured.
    `jitter` from 0 to 1 adds up to a tenth.
    """
    if failed >= MOST_ATTEMPTS:
        return None
    planned = RETRY_SCHEDULE[failed - 1] * (1 + _SPREAD * jitter)
    return max(planned, timedelta(seconds=retry_after or 0))
