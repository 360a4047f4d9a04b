"""Queries of delivery attempts for pages and the API."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import Value, to_value
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from governance.propagation.schemas import AttemptPage, AttemptView

UNDER_WAY: Final = timedelta(minutes=1)
"""Longer than any call lasts: an older attempt without an answer will not get one."""


async def list_attempts(
    session: AsyncSession, change_id: UUID, *, now: datetime, cursor: UUID | None = None, limit: int = 50
) -> AttemptPage:
    """List the attempts of a change on all channels, newest first."""
    binds = {"t": scope_of(session).tenant_id, "id": change_id, "cursor": cursor, "limit": limit + 1}
    rows = (
        await session.execute(
            text(f"""
                SELECT a.id, a.connection_id, n.name AS channel, a.sent, a.is_retry, a.started_at, a.answered_at,
                       a.outcome, a.status_code, a.detail, a.retry_after, a.duration_ms, a.bytes, a.read
                  FROM propagation_attempt a
                  JOIN {CONNECTIONS} n ON n.tenant_id = a.tenant_id AND n.id = a.connection_id
                 WHERE a.tenant_id = :t AND a.change_id = :id AND (CAST(:cursor AS uuid) IS NULL OR a.id < :cursor)
                 ORDER BY a.id DESC LIMIT :limit
            """),
            binds,
        )
    ).all()
    items = [_to_attempt(row, now) for row in rows[:limit]]
    return AttemptPage(items, items[-1].id if len(rows) > limit else None)


def _to_attempt(row: Row[Any], now: datetime) -> AttemptView:
    waits = "in_progress" if now - row.started_at < UNDER_WAY else "unanswered"
    return AttemptView(
        row.id, row.connection_id, row.channel, _sent(row.sent), row.is_retry, row.started_at, row.answered_at,
        row.outcome if row.answered_at is not None else waits, row.status_code, row.detail, row.retry_after,
        row.duration_ms, row.bytes, to_value(row.read),
    )  # fmt: skip


def _sent(document: object) -> Value:
    value = to_value(document)
    if value is None:
        raise ValueError("an attempt without a value")  # the column is NOT NULL
    return value
