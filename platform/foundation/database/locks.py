"""Named locks, held until the transaction ends, for objects that have no row to lock yet, or many."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_EXCLUSIVE: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_SHARED: Final = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 0))")
_WITHOUT_WAITING: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")


async def lock(session: AsyncSession, name: str) -> None:
    """Wait until no other transaction holds the lock. Begin `name` with its subject, and include the account's id where
    accounts need not wait for each other.
    """
    await session.execute(_EXCLUSIVE, {"name": name})


async def lock_shared(session: AsyncSession, name: str) -> None:
    """Wait for transactions that hold the lock exclusively only."""
    await session.execute(_SHARED, {"name": name})


async def try_lock(session: AsyncSession, name: str) -> bool:
    """Lock without waiting. False: another transaction holds the lock."""
    return bool(await session.scalar(_WITHOUT_WAITING, {"name": name}))
