"""Types of jobs, each declared once with its payload, and their retry policy."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec


class NoPayload(msgspec.Struct, frozen=True):
    """Payload of a job that needs nothing but its lane, key and `ref`. Stored as NULL."""


P = TypeVar("P", bound=msgspec.Struct)


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


ENDLESS = RetryPolicy(attempts=1_000_000, base=1.0, cap=300.0)
"""For a job that sets its own next timer: as a dead letter it would end the recurrence."""


@dataclass(frozen=True, slots=True)
class JobType(Generic[P]):
    """A type of job. `name` is `<room>.<verb_noun>`, `title` its label on pages.

    `batch` bounds the jobs of one batch, `seconds` the time it may run.
    """

    name: str
    title: str
    payload: type[P]
    batch: int = 250
    seconds: float = 60.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    def decode(self, stored: object) -> P:
        """The payload of a stored job. Unknown fields are ignored: a newer release may have added them.

        Raises:
            msgspec.ValidationError: the stored payload is not of this type.
        """
        return msgspec.convert({} if stored is None else stored, self.payload)
