"""Counts for the navigation badges."""

from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of

MOST: Final = 1_000
"""Counts stop here, to keep the menu cheap on every page."""


class Waiting(msgspec.Struct, frozen=True):
    approvals: int
    exceptions: int


async def count_waiting_work(session: AsyncSession) -> Waiting:
    """Count the changes pending approval and the open exceptions."""
    row = (
        await session.execute(
            text("""
                SELECT (SELECT count(*) FROM (SELECT 1 FROM change
                         WHERE tenant_id = :t AND state = 'awaiting_approval' LIMIT :most) a) AS approvals,
                       (SELECT count(*) FROM (SELECT 1 FROM governance_exception
                         WHERE tenant_id = :t AND state = 'open' LIMIT :most) e) AS exceptions
            """),
            {"t": scope_of(session).tenant_id, "most": MOST},
        )
    ).one()
    return Waiting(row.approvals, row.exceptions)
