"""Entries of the audit chain, newest first."""

from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from governance.inputs import check_number, check_text
from governance.schemas import EntryPage, ShownEntry


class _Actor(msgspec.Struct):
    name: str


class _Body(msgspec.Struct):
    actor: _Actor
    data: dict[str, Any]
    correlation: str = ""


async def list_entries(
    session: AsyncSession, *, subject: str = "", after: int | None = None, limit: int = 50
) -> EntryPage:
    """`subject` is one exact subject such as "change:<id>"; empty means all. `after` is the last number seen."""
    rows = (
        await session.execute(
            text("""
                SELECT seq, at, action, subject, body FROM audit_entry
                 WHERE tenant_id = :t AND (:subject = '' OR subject = :subject)
                   AND (CAST(:after AS bigint) IS NULL OR seq < :after)
                 ORDER BY seq DESC LIMIT :limit
            """),
            {
                "t": scope_of(session).tenant_id,
                "subject": check_text(subject, "subject"),
                "after": check_number(after, "after"),
                "limit": limit + 1,
            },
        )
    ).all()
    items = []
    for row in rows[:limit]:
        body = msgspec.json.decode(row.body, type=_Body)
        items.append(ShownEntry(row.seq, row.at, body.actor.name, row.action, row.subject, body.data, body.correlation))
    return EntryPage(items, items[-1].seq if len(rows) > limit else None)
