"""Job types for tests only."""

from typing import Any

import msgspec

from foundation.jobs.registry import Handler, JobHandler
from foundation.jobs.types import JobType, NoPayload


class NotePayload(msgspec.Struct, frozen=True):
    key: str = ""


def job_type(name: str, payload: type[Any] = NoPayload, **options: Any) -> JobType[Any]:
    return JobType(name, f"Try {name}", payload, **options)


def job(name: str, handle: Handler[Any], payload: type[Any] = NoPayload, **options: Any) -> JobHandler[Any]:
    return JobHandler(job_type(name, payload, **options), handle)
