"""Queries of the audit chain, newest first."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.decoding import decode_json
from governance.audit_trail.formatter import Named
from governance.audit_trail.schemas import AuditEntryView, EntryPage
from governance.inputs import check_choice, check_exact, check_number

LOOKED_THROUGH: Final = 100_000
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "decisions": ("change", "approval", "policy", "baseline", "contract", "reference"),
    "delivery": ("propagation",),
    "exceptions": ("exception", "dead_letter"),
    "access": ("person", "member", "sign_in", "role", "invitation", "api_key", "session", "client", "brand", "list"),
    "connections": ("connection",),
    "billing": ("invoice", "price", "price_book"),
    "settings": ("retention", "vault", "lane_share", "msp", "partner"),
}
"""Filters of the list, by the first part of an action's name. `person` is the earlier word for `member`."""


class _Actor(msgspec.Struct):
    name: str


class _Body(msgspec.Struct):
    actor: _Actor
    data: dict[str, Any]
    correlation: str = ""


async def list_entries(
    session: AsyncSession, *, subject: str = "", kind: str = "", cursor: int | None = None, limit: int = 50
) -> EntryPage:
    """List audit entries. `subject` is an exact subject such as "change:<id>"; empty means all. `kind` is one of KINDS.
    `cursor` is the last entry number of the previous page. A member's entries include those written as `person:<id>`.

    A filtered list scans the newest LOOKED_THROUGH entries.
    """
    rows = (
        await session.execute(
            text("""
                SELECT seq, at, action, subject, body
                  FROM (SELECT * FROM audit_entry
                         WHERE tenant_id = :t AND (:subject = '' OR subject = ANY (:subjects))
                           AND (CAST(:cursor AS bigint) IS NULL OR seq < :cursor)
                         ORDER BY seq DESC LIMIT :looked) e
                 WHERE :kind = '' OR split_part(action, '.', 1) = ANY (:actions)
                 ORDER BY seq DESC LIMIT :limit
            """),
            {
                "t": scope_of(session).tenant_id,
                "subject": check_exact(subject, "subject"),
                "subjects": [subject, re.sub("^member:", "person:", subject)],
                "cursor": check_number(cursor, "cursor"),
                "kind": check_choice(kind, "kind", ("", *KINDS)),
                "actions": list(KINDS.get(kind, ())),
                "looked": LOOKED_THROUGH,
                "limit": limit + 1,
            },
        )
    ).all()
    items = []
    for row in rows[:limit]:
        body = decode_json(row.body, type=_Body)
        items.append(
            AuditEntryView(row.seq, row.at, body.actor.name, row.action, row.subject, body.data, body.correlation)
        )
    return EntryPage(items, items[-1].seq if len(rows) > limit else None)


async def load_names(session: AsyncSession, ids: Iterable[UUID]) -> dict[str, Named]:
    """Names of this account's changes, connections and members among `ids`."""
    rows = await session.execute(
        text("""
            SELECT id, record_key AS name, element, new_currency AS currency FROM change
             WHERE tenant_id = :t AND id = ANY (:ids)
             UNION ALL
            SELECT id, name, '', '' FROM connection WHERE tenant_id = :t AND id = ANY (:ids)
             UNION ALL
            SELECT id, name, '', '' FROM member WHERE tenant_id = :t AND id = ANY (:ids)
        """),
        {"t": scope_of(session).tenant_id, "ids": list(ids)},
    )
    return {str(row.id): Named(row.name, row.element, row.currency) for row in rows}
