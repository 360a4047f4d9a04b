"""The token bucket, as one number (generic cell rate algorithm, ITU-T I.371): when the bucket will be full again.

Times are microseconds. A token may be reserved ahead: the taker waits, and those behind it wait longer, so the order
of asking is the order of sending.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    full_at: int = 0

    def wait(self, now: int, *, interval: int, burst: int) -> int:
        """Until the next token; 0 or less when there is one now."""
        return max(self.full_at, now) + interval - interval * burst - now

    def take(self, now: int, *, interval: int) -> None:
        self.full_at = max(self.full_at, now) + interval

    def drain(self, until: int, *, interval: int, burst: int) -> None:
        """No token before `until`, and none saved up by then: everyone comes back one by one, not at once."""
        self.full_at = max(self.full_at, until + interval * (burst - 1))
