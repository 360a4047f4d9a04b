"""A part of a transaction that can be refused without giving up the rest."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession


@asynccontextmanager
async def savepoint(session: AsyncSession) -> AsyncIterator[None]:
    """What the block did is undone when it raises, and so is what it left to be written at the commit."""
    buffers: dict[tuple[bool, Callable[..., Any]], list[Any]] = session.info["buffers"]
    lengths = {key: len(entries) for key, entries in buffers.items()}
    try:
        async with session.begin_nested():
            yield
    except BaseException:
        for key, entries in buffers.items():
            del entries[lengths.get(key, 0) :]
        raise
