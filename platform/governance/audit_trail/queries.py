"""Queries of the audit chain, newest first."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import CONNECTIONS
from foundation.audit.actions import AuditKind
from foundation.database.engine import scope_of
from foundation.decoding import decode_json
from foundation.relations import AUDIT_ENTRIES
from foundation.web.pagination import Keyset, ListQuery, ListSource, ResultPage, read_page
from governance.audit_trail.filters import audit_filter, build_conditions
from governance.audit_trail.formatter import Named
from governance.audit_trail.schemas import AuditEntryView
from tenants.relations import MEMBERS

SEARCHED_ROWS: Final = 100_000


class _Actor(msgspec.Struct):
    name: str


class _Body(msgspec.Struct):
    actor: _Actor
    data: dict[str, Any]
    correlation: str = ""


async def list_entries(
    session: AsyncSession, query: ListQuery, _: datetime, *, nouns: Mapping[AuditKind, Sequence[str]]
) -> ResultPage[AuditEntryView]:
    """One page of `audit_trail.lists`. A filtered list scans SEARCHED_ROWS entries from the cursor on."""
    conditions = await build_conditions(session, audit_filter(query.values, nouns))

    def source(keyset: Keyset) -> ListSource:
        return ListSource(
            columns="e.at, e.action, e.subject, e.body",
            tables=f"""(SELECT * FROM {AUDIT_ENTRIES} a WHERE {conditions.among} AND {keyset.condition}
                         ORDER BY {keyset.order} LIMIT :looked) e""",
            where=conditions.fits,
            binds={**conditions.binds, "looked": SEARCHED_ROWS},
        )

    return (await read_page(session, source, query)).map(lambda row: to_entry(row, row.page_key_0))


def to_entry(row: Row[Any], seq: int) -> AuditEntryView:
    """An entry from the columns at, action, subject and body."""
    body = decode_json(row.body, type=_Body)
    return AuditEntryView(seq, row.at, body.actor.name, row.action, row.subject, body.data, body.correlation)


async def load_names(session: AsyncSession, ids: Iterable[UUID]) -> dict[str, Named]:
    """Names of this account's changes, connections and members among `ids`."""
    rows = await session.execute(
        text(f"""
            SELECT id, record_key AS name, element, dimension, coalesce(new_value->>'currency', '') AS currency
              FROM change
             WHERE tenant_id = :t AND id = ANY (:ids)
             UNION ALL
            SELECT id, name, '', '', '' FROM {CONNECTIONS} n WHERE tenant_id = :t AND id = ANY (:ids)
             UNION ALL
            SELECT id, name, '', '', '' FROM {MEMBERS} m WHERE tenant_id = :t AND id = ANY (:ids)
        """),
        {"t": scope_of(session).tenant_id, "ids": list(ids)},
    )
    return {str(row.id): Named(row.name, row.element, row.currency, row.dimension) for row in rows}
