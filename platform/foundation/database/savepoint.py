"""Savepoint: a part of a transaction that can fail without rolling back the rest."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession


@asynccontextmanager
async def savepoint(session: AsyncSession) -> AsyncIterator[None]:
    """Savepoint for the block. An exception rolls back the block's statements, its buffered writes and a change of
    scope, as the database does.
    """
    buffers: dict[tuple[bool, Callable[..., Any]], list[Any]] = session.info["buffers"]
    scope = session.info["scope"]
    lengths = {key: len(entries) for key, entries in buffers.items()}
    try:
        async with session.begin_nested():
            yield
    except BaseException:
        for key, entries in buffers.items():
            del entries[lengths.get(key, 0) :]
        session.info["scope"] = scope
        raise
