"""Faults of the connection and of Stripe, from a list or a seed."""

import random
from collections import Counter
from enum import StrEnum


class Fault(StrEnum):
    THROTTLED = "throttled"
    """429, before any effect."""
    LOST = "lost"
    """The effect happens; the connection ends before the answer."""
    BROKEN = "broken"
    """500 without an effect, stored under the idempotency key and returned again to a retry."""
    BROKEN_AFTER = "broken_after"
    """500 after the effect, stored likewise."""


class Faults:
    """Faults by request: those of `queue` first, in order (None: no fault); then a random one at `rate`. `happened`
    counts them.
    """

    def __init__(self, seed: int = 0, rate: float = 0.0) -> None:
        self.queue: list[Fault | None] = []
        self.rate = rate
        self.happened: Counter[Fault] = Counter()
        self._random = random.Random(seed)

    def next(self, method: str) -> Fault | None:
        found = self._next(method)
        if found is not None:
            self.happened[found] += 1
        return found

    def _next(self, method: str) -> Fault | None:
        if self.queue:
            return self.queue.pop(0)
        if self._random.random() >= self.rate:
            return None
        kinds: list[Fault] = [*Fault] if method != "GET" else [Fault.THROTTLED, Fault.LOST]
        return self._random.choice(kinds)
