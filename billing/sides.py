"""The two sides of a usage event, and the right to see both.

Under the application's role a wholesale row exists only in a transaction that took the rater's rights. Reading
never takes them: an MSP's staff read both sides in a fleet scope, a client's people have no way to wholesale at all.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


class Side(StrEnum):
    WHOLESALE = "wholesale"  # platform → MSP
    RETAIL = "retail"  # MSP → client


@asynccontextmanager
async def as_rater(session: AsyncSession) -> AsyncIterator[None]:
    """Let the block read its MSP's price books and use wholesale rows of the transaction's own tenant.

    In the MSP's house it may also read, not write, its clients' invoices. The savepoint takes the right away again
    when the block raises.
    """
    async with session.begin_nested():
        await session.execute(text("SELECT set_config('app.billing', 'rating', true)"))
        yield
        await session.execute(text("SELECT set_config('app.billing', '', true)"))
