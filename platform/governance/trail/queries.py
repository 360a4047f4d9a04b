"""Entries of the audit chain, newest first."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.decoding import decode_json
from governance.inputs import check_exact, check_number
from governance.schemas import EntryPage, ShownEntry
from governance.trail.telling import Named


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
                "subject": check_exact(subject, "subject"),
                "after": check_number(after, "after"),
                "limit": limit + 1,
            },
        )
    ).all()
    items = []
    for row in rows[:limit]:
        body = decode_json(row.body, type=_Body)
        items.append(ShownEntry(row.seq, row.at, body.actor.name, row.action, row.subject, body.data, body.correlation))
    return EntryPage(items, items[-1].seq if len(rows) > limit else None)


async def load_names(session: AsyncSession, ids: Iterable[UUID]) -> dict[str, Named]:
    """Of this account's changes, connections and people among `ids`."""
    rows = await session.execute(
        text("""
            SELECT id, record_key AS name, element, new_currency AS currency FROM change
             WHERE tenant_id = :t AND id = ANY (:ids)
             UNION ALL
            SELECT id, name, '', '' FROM connection WHERE tenant_id = :t AND id = ANY (:ids)
             UNION ALL
            SELECT id, name, '', '' FROM person WHERE tenant_id = :t AND id = ANY (:ids)
        """),
        {"t": scope_of(session).tenant_id, "ids": list(ids)},
    )
    return {str(row.id): Named(row.name, row.element, row.currency) for row in rows}
