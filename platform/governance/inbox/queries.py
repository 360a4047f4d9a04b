"""Queries of the inbox. They need the fleet's scope, in which the database shows the rows of all the MSP's clients."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import to_value
from foundation.database.engine import scope_of
from foundation.i18n.localizer import current_localizer, translate
from foundation.i18n.messages import StoredMessage
from foundation.marks import N_
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from governance.inbox.schemas import InboxCounts, InboxItem, InboxKind
from governance.messages.writer import write_message, write_title
from policy.relations import APPROVALS
from tenants.relations import CLIENTS

_ITEMS: Final = f"""(
    SELECT CAST('exception' AS varchar) AS kind, e.tenant_id, e.id, e.change_id, e.code, e.message, e.params,
           CAST(e.severity AS bigint) AS severity, e.record_key, e.element, e.dimension, e.record_type,
           CAST(NULL AS jsonb) AS old_value, CAST(NULL AS jsonb) AS new_value, CAST(NULL AS jsonb) AS reason,
           e.opened_at, e.correction_due_at AS due_at
      FROM governance_exception e WHERE e.state = 'open'
     UNION ALL
    SELECT 'approval', a.tenant_id, a.id, c.id, '', '', CAST(NULL AS jsonb), CAST(0 AS bigint),
           c.record_key, c.element, c.dimension, c.record_type, c.old_value, c.new_value, c.reason,
           a.created_at, coalesce(a.due_at, a.expires_at)
      FROM {APPROVALS} a JOIN change c ON c.tenant_id = a.tenant_id AND c.id = a.subject_id
     WHERE a.state = 'pending' AND a.subject_kind = 'change')"""
_TABLES: Final = f"{_ITEMS} i JOIN {CLIENTS} k ON k.tenant_id = i.tenant_id AND k.staff_access = 'standing'"
"""Clients that admit staff on request only are worked on from their own pages."""
_FILTERS: Final = {"kind": "i.kind = :kind", "client": "k.slug = :client"}
_NEEDS_APPROVAL: Final = N_("Needs approval")


async def list_inbox(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[InboxItem]:
    """One page of `inbox.lists`."""
    chosen = {name: value for name, value in query.values.items() if value}
    source = ListSource(
        columns="""i.kind, i.tenant_id, i.id, i.change_id, i.code, i.message, i.params, i.severity, i.record_key,
                   i.element, i.dimension, i.record_type, i.old_value, i.new_value, i.reason, i.opened_at, i.due_at,
                   k.slug AS client, k.name AS client_name""",
        tables=_TABLES,
        where=" AND ".join(["k.msp_id = :msp", *(_FILTERS[name] for name in chosen)]),
        binds={"msp": scope_of(session).msp_id, **chosen},
    )
    return (await read_page(session, source, query)).map(_item)


async def count_inbox(session: AsyncSession, client: str = "") -> InboxCounts:
    """Items of each kind; of one client if its short name is given."""
    rows = await session.execute(
        text(f"""
            SELECT i.kind, count(*) AS number FROM {_TABLES}
             WHERE k.msp_id = :msp AND (:client = '' OR k.slug = :client) GROUP BY i.kind
        """),
        {"msp": scope_of(session).msp_id, "client": client},
    )
    counts = {row.kind: row.number for row in rows}
    return InboxCounts(counts.get(InboxKind.APPROVAL, 0), counts.get(InboxKind.EXCEPTION, 0))


async def find_owners(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, tuple[UUID, InboxKind]]:
    """Account and kind of each item. Items that are closed, or another MSP's, are not in it."""
    rows = await session.execute(
        text(f"SELECT i.id, i.tenant_id, i.kind FROM {_TABLES} WHERE k.msp_id = :msp AND i.id = ANY (:ids)"),
        {"msp": scope_of(session).msp_id, "ids": list(ids)},
    )
    return {row.id: (row.tenant_id, InboxKind(row.kind)) for row in rows}


def _item(row: Row[Any]) -> InboxItem:
    localizer = current_localizer()
    if row.kind == InboxKind.APPROVAL:
        title = translate(_NEEDS_APPROVAL)
        detail = write_message(msgspec.convert(row.reason, StoredMessage), localizer)
    else:
        message = StoredMessage(row.message, row.params)
        title, detail = write_title(message, localizer), write_message(message, localizer)
    own = {name: getattr(row, name) for name in InboxItem.__struct_fields__ if hasattr(row, name)}
    return InboxItem(**own, title=title, detail=detail, old=to_value(row.old_value), new=to_value(row.new_value))
