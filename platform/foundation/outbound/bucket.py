"""Token bucket as one number (generic cell rate algorithm, ITU-T I.371): the time at which it will be full again.

Times are microseconds. A token may be reserved ahead: the caller waits, and later callers wait longer, so calls are
sent in the order of their requests.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    full_at: int = 0

    def wait(self, now: int, *, interval: int, burst: int) -> int:
        """Microseconds until the next token; 0 or less when there is one now."""
        return max(self.full_at, now) + interval - interval * burst - now

    def take(self, now: int, *, interval: int) -> None:
        self.full_at = max(self.full_at, now) + interval

    def drain(self, until: int, *, interval: int, burst: int) -> None:
        """Allow no token before `until`, and save none up by then, so that callers resume one by one, not all
        at once.
        """
        self.full_at = max(self.full_at, until + interval * (burst - 1))
