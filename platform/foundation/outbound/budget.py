"""Retry budget: limits retries to a share of the calls to the other system. Times are microseconds.

Each first attempt earns a fraction of a retry, a retry spends one, and a little is earned by time alone, so that a
quiet credential may still retry. A system in trouble thus gets little more than its usual load, regardless of the
number of workers and failed jobs; back-off alone only delays such a crowd. Source: Finagle's `RetryBudget`
(`percentCanRetry`, `minRetriesPerSec`); gRPC's retry throttling (proposal A6) is similar.

Stored as one number, as the token bucket: the time at which the budget will be full again.
"""

from dataclasses import dataclass
from enum import IntEnum

from foundation.outbound.settings import RetrySettings


class AttemptKind(IntEnum):
    FIRST = 0
    AGAIN = 1  # a retry: an earlier call for the same job failed
    FURTHER = 2  # a later call of a job whose retry was admitted; never refused, as half of its calls are useless


@dataclass(slots=True)
class Budget:
    full_at: int = 0

    def wait(self, now: int, settings: RetrySettings) -> int:
        """Microseconds until a retry may be sent; 0 or less when it may now."""
        return self._full_at(now, settings) + settings.interval * (1 - settings.saved) - now

    def note(self, now: int, attempt: AttemptKind, settings: RetrySettings) -> None:
        """Record an admitted call. A job of many calls may overdraw the budget."""
        earned = settings.earned if attempt is AttemptKind.FIRST else -settings.interval
        self.full_at = self._full_at(now, settings) - earned

    def _full_at(self, now: int, settings: RetrySettings) -> int:
        """`full_at`, bounded so that the budget is overdrawn by at most what can be saved, also after a change of
        settings.
        """
        return min(max(self.full_at, now), now + 2 * settings.interval * settings.saved)
