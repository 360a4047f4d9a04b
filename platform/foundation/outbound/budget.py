"""The retry budget: how much of what goes to the other system may be said a second time. Times are microseconds.

Each first attempt earns a fraction of a retry, a retry spends one, and a little is earned by time alone, so that a
quiet credential may still try again. A system in trouble thus sees little more than its usual load, however many
workers there are and works that failed; back-off alone only moves such a crowd. Source: Finagle's `RetryBudget`
(`percentCanRetry`, `minRetriesPerSec`); gRPC's retry throttling (proposal A6) is its kin.

Kept as one number, as the token bucket's: when the budget will be full again.
"""

from dataclasses import dataclass
from enum import IntEnum

from foundation.outbound.settings import RetrySettings


class AttemptKind(IntEnum):
    FIRST = 0
    AGAIN = 1  # it was sent before and brought nothing
    FURTHER = 2  # the next call of a work whose retry was let through: half of it would be worth nothing


@dataclass(slots=True)
class Budget:
    full_at: int = 0

    def wait(self, now: int, settings: RetrySettings) -> int:
        """Until a retry may go; 0 or less when it may now."""
        return self._full_at(now, settings) + settings.interval * (1 - settings.saved) - now

    def note(self, now: int, attempt: AttemptKind, settings: RetrySettings) -> None:
        """A call goes. A work of many calls may overdraw the budget."""
        earned = settings.earned if attempt is AttemptKind.FIRST else -settings.interval
        self.full_at = self._full_at(now, settings) - earned

    def _full_at(self, now: int, settings: RetrySettings) -> int:
        """Overdrawn by no more than can be saved, whatever the settings were when it was."""
        return min(max(self.full_at, now), now + 2 * settings.interval * settings.saved)
