"""For reads that are ranges of an index by design."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def read_by_index(session: AsyncSession) -> None:
    """Let the rest of the transaction read by index only.

    The planner takes a policy's clause that names no column ("this is no partner") for one that keeps 0.5 % of the rows
    (its default for an equality it cannot estimate). The newest rows of a large tenant then look so few to it that it
    reads and sorts the whole table instead of the end of the index.
    """
    await session.execute(
        text("SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)")
    )
