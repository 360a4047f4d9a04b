"""Job types and their retry policy, which each room registers with the worker."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from foundation.jobs.batch import Batch

Handler = Callable[[Batch], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Full-jitter exponential back-off, in seconds: a delay is drawn from (0, min(cap, base · 2^attempt)].

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    attempts: int = 8
    base: float = 0.5
    cap: float = 300.0

    def delay(self, attempt: int, jitter: float) -> float:
        """`jitter` is uniform in (0, 1]; `attempt` counts from 0."""
        return min(self.cap, self.base * 2.0 ** min(attempt, 30)) * jitter


@dataclass(frozen=True, slots=True)
class JobType:
    """A type of job. `name` is `<room>.<verb>`; `batch` bounds the jobs of one batch, `seconds` the time it may run."""

    name: str
    handler: Handler
    batch: int = 250
    seconds: float = 60.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)


class JobTypes:
    """Registry of the job types a worker handles, by name. Built once by the composition root, event subscriptions
    included.
    """

    def __init__(self, job_types: Iterable[JobType]) -> None:
        self._job_types: Mapping[str, JobType] = MappingProxyType({job_type.name: job_type for job_type in job_types})

    def __getitem__(self, name: str) -> JobType:
        return self._job_types[name]

    def __contains__(self, name: object) -> bool:
        return name in self._job_types

    @property
    def largest_batch(self) -> int:
        return max((job_type.batch for job_type in self._job_types.values()), default=1)
