"""Queries of the audit chain, newest first."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.decoding import decode_json
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from governance.audit_trail.formatter import Named
from governance.audit_trail.schemas import AuditEntryView

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


async def list_entries(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[AuditEntryView]:
    """One page of `audit_trail.lists`. A filtered list scans LOOKED_THROUGH entries from the cursor on. A member's
    entries include those written as `person:<id>`.
    """
    keyset, subject = query.keyset, query["subject"]
    about = "AND subject = ANY (:subjects)" if subject else ""
    source = ListSource(
        columns="e.at, e.action, e.subject, e.body",
        tables=f"""(SELECT * FROM audit_entry WHERE tenant_id = :t {about} AND {keyset.condition}
                     ORDER BY {keyset.order} LIMIT :looked) e""",
        where="split_part(action, '.', 1) = ANY (:actions)" if query["kind"] else "true",
        binds={
            "t": scope_of(session).tenant_id,
            "looked": LOOKED_THROUGH,
            **({"subjects": [subject, re.sub("^member:", "person:", subject)]} if subject else {}),
            **({"actions": list(KINDS[query["kind"]])} if query["kind"] else {}),
        },
    )
    return (await read_page(session, source, query)).map(_entry)


def _entry(row: Row[Any]) -> AuditEntryView:
    body = decode_json(row.body, type=_Body)
    return AuditEntryView(row.page_key_0, row.at, body.actor.name, row.action, row.subject, body.data, body.correlation)


async def load_names(session: AsyncSession, ids: Iterable[UUID]) -> dict[str, Named]:
    """Names of this account's changes, connections and members among `ids`."""
    rows = await session.execute(
        text("""
            SELECT id, record_key AS name, element, dimension, coalesce(new_value->>'currency', '') AS currency
              FROM change
             WHERE tenant_id = :t AND id = ANY (:ids)
             UNION ALL
            SELECT id, name, '', '', '' FROM connection WHERE tenant_id = :t AND id = ANY (:ids)
             UNION ALL
            SELECT id, name, '', '', '' FROM member WHERE tenant_id = :t AND id = ANY (:ids)
        """),
        {"t": scope_of(session).tenant_id, "ids": list(ids)},
    )
    return {str(row.id): Named(row.name, row.element, row.currency, row.dimension) for row in rows}
