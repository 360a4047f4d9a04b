"""Job types for tests only, and the dead letters of an account."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.jobs.models import DeadLetter
from foundation.jobs.registry import Handler, JobHandler
from foundation.jobs.states import DeadLetterState
from foundation.jobs.types import JobType, NoPayload


class NotePayload(msgspec.Struct, frozen=True):
    key: str = ""


def job_type(name: str, payload: type[Any] = NoPayload, **options: Any) -> JobType[Any]:
    return JobType(name, f"Try {name}", payload, **options)


def job(name: str, handle: Handler[Any], payload: type[Any] = NoPayload, **options: Any) -> JobHandler[Any]:
    return JobHandler(job_type(name, payload, **options), handle)


async def list_dead_letters(session: AsyncSession) -> Sequence[DeadLetter]:
    """Open dead letters, newest first."""
    rows = select(DeadLetter).where(DeadLetter.state == DeadLetterState.OPEN).order_by(DeadLetter.died_at.desc())
    return (await session.scalars(rows)).all()
