"""Queries of dead letters."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import NotFound
from governance.dead_letters.schemas import DeadLetterPage, DeadLetterView
from governance.exception_queue.queries import LETTER_STATES
from governance.inputs import check_choice

_LETTER_FIELDS: Final = DeadLetterView.__struct_fields__


async def list_letters(
    session: AsyncSession, *, state: str = "open", cursor: UUID | None = None, limit: int = 50
) -> DeadLetterPage:
    """List dead letters, newest first."""
    rows = (
        await session.execute(
            text(f"""
                SELECT {", ".join(_LETTER_FIELDS)} FROM dead_letter
                 WHERE tenant_id = :t AND state = :state
                   AND (CAST(:cursor AS uuid) IS NULL OR (died_at, id) <
                        (SELECT l.died_at, l.id FROM dead_letter l WHERE l.tenant_id = :t AND l.id = :cursor))
                 ORDER BY died_at DESC, id DESC LIMIT :limit
            """),
            {
                "t": scope_of(session).tenant_id,
                "state": check_choice(state, "status", LETTER_STATES),
                "cursor": cursor,
                "limit": limit + 1,
            },
        )
    ).all()
    items = [_letter(row) for row in rows[:limit]]
    return DeadLetterPage(items, items[-1].id if len(rows) > limit else None)


async def find_letter(session: AsyncSession, letter_id: UUID) -> DeadLetterView:
    """Return a dead letter. Raises NotFound."""
    row = (
        await session.execute(
            text(f"SELECT {', '.join(_LETTER_FIELDS)} FROM dead_letter WHERE tenant_id = :t AND id = :id"),
            {"t": scope_of(session).tenant_id, "id": letter_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return _letter(row)


def _letter(row: Row[Any]) -> DeadLetterView:
    return DeadLetterView(**{name: getattr(row, name) for name in _LETTER_FIELDS})
