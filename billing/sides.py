"""The two sides of a usage event, and the right to read both.

Under the application's role a wholesale row is visible only in a transaction with the rater's rights. Queries for
readers never take these rights: an MSP's staff read both sides in a fleet scope, client members have no access to
wholesale at all.
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
    """Give the block the rights to read its MSP's price books and to use wholesale rows of the transaction's own
    tenant.

    In the MSP account the block may also read, not write, its clients' invoices. The savepoint removes the rights again
    when the block raises.
    """
    async with session.begin_nested():
        await session.execute(text("SELECT set_config('app.billing', 'rating', true)"))
        yield
        await session.execute(text("SELECT set_config('app.billing', '', true)"))
