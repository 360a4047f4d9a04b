"""Handlers of job types, which each room attaches and the composition root registers with the worker."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic

from foundation.jobs.batch import Batch
from foundation.jobs.types import JobType, P

Handler = Callable[[Batch[P]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class JobHandler(Generic[P]):
    """The handler of the batches of a job type."""

    job_type: JobType[P]
    handle: Handler[P]


class JobRegistry:
    """The job types that a worker handles, by name. Built once by the composition root.

    Raises:
        ValueError: two handlers have the same job type.
    """

    def __init__(self, handlers: Iterable[JobHandler[Any]]) -> None:
        found: dict[str, JobHandler[Any]] = {}
        for handler in handlers:
            if found.setdefault(handler.job_type.name, handler) is not handler:
                raise ValueError(f"two handlers for {handler.job_type.name}")
        self._handlers: Mapping[str, JobHandler[Any]] = MappingProxyType(found)

    def __getitem__(self, name: str) -> JobHandler[Any]:
        return self._handlers[name]

    def __contains__(self, name: object) -> bool:
        return name in self._handlers

    @property
    def job_types(self) -> frozenset[JobType[Any]]:
        return frozenset(handler.job_type for handler in self._handlers.values())

    @property
    def largest_batch(self) -> int:
        return max((handler.job_type.batch for handler in self._handlers.values()), default=1)
