"""What a room registers so that its work is done: its kinds of job."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from foundation.jobs.batch import LaneRun

Handler = Callable[[LaneRun], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Full-jitter exponential back-off: a delay is drawn from (0, min(cap, base · 2^attempt)]. Seconds.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    attempts: int = 8
    base: float = 0.5
    cap: float = 300.0

    def delay(self, attempt: int, draw: float) -> float:
        """`draw` is uniform in (0, 1]; `attempt` counts from 0."""
        return min(self.cap, self.base * 2.0 ** min(attempt, 30)) * draw


@dataclass(frozen=True, slots=True)
class JobKind:
    """`name` is spelled `<room>.<verb>`. `batch` bounds the items one message does; `seconds` bounds its time."""

    name: str
    handler: Handler
    batch: int = 250
    seconds: float = 60.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)


class JobKinds:
    """The kinds a worker knows, by name. Built once by the composition root, with the subscriptions to events."""

    def __init__(self, kinds: Iterable[JobKind]) -> None:
        self._kinds: Mapping[str, JobKind] = MappingProxyType({kind.name: kind for kind in kinds})

    def __getitem__(self, name: str) -> JobKind:
        return self._kinds[name]

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    @property
    def largest_batch(self) -> int:
        return max((kind.batch for kind in self._kinds.values()), default=1)
