"""Rules of the circuit breaker. Times are microseconds.

Closed until too many calls fail, then open for a pause, then half-open: one call at a time is admitted as a probe. Its
success closes the breaker; its failure opens it for twice as long. `generation` counts the state changes, so that the
result of a call that began before a change is not counted after it.
"""

from dataclasses import dataclass
from enum import IntEnum

from foundation.outbound.settings import BreakerSettings

MICROSECONDS = 1_000_000


class CallResult(IntEnum):
    FAILED = 0
    ANSWERED = 1
    UNKNOWN = 2  # no information about the other system: never sent, or our own limits


@dataclass(slots=True)
class Breaker:
    generation: int = 0
    streak: int = 0
    open_until: int = 0  # 0: closed
    opened: int = 0
    probe_until: int = 0
    window: int = 0
    calls: int = 0
    failures: int = 0

    def blocked_for(self, now: int) -> int:
        """Microseconds until a call may be sent; 0 when it may now."""
        if not self.open_until:
            return 0
        return max(self.open_until - now, self.probe_until - now, 0)

    def admit(self, now: int, *, probe_ends: int, settings: BreakerSettings) -> bool:
        """Count an admitted call. True when it is the probe, which other calls wait for until `probe_ends`."""
        self._roll(now, settings)
        self.calls += 1
        if self.open_until:
            self.probe_until = probe_ends
        return self.open_until > 0

    def settle(self, now: int, result: CallResult, settings: BreakerSettings) -> None:
        if result is CallResult.UNKNOWN:
            self.probe_until = 0
        elif result is CallResult.ANSWERED:
            self.streak = 0
            if self.open_until:
                self._change(open_until=0)
                self.opened = 0
        else:
            self._roll(now, settings)
            self.streak += 1
            self.failures += 1
            if self.open_until or self._too_much(settings):
                self.opened += 1
                first, longest = (int(s * MICROSECONDS) for s in (settings.open_seconds, settings.max_open_seconds))
                self._change(open_until=now + min(first * 2 ** min(self.opened - 1, 20), longest))

    def _too_much(self, settings: BreakerSettings) -> bool:
        return self.streak >= settings.failures or (
            self.calls >= settings.min_calls and self.failures >= settings.error_ratio * self.calls
        )

    def _change(self, *, open_until: int) -> None:
        self.open_until = open_until
        self.generation += 1
        self.streak = self.calls = self.failures = self.probe_until = 0

    def _roll(self, now: int, settings: BreakerSettings) -> None:
        window = now // int(settings.window_seconds * MICROSECONDS)
        if window != self.window:
            self.window = window
            self.calls = self.failures = 0
