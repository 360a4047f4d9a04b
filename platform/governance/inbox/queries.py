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
from foundation.web.pagination import Keyset, ListQuery, ListSource, ResultPage, read_page
from governance.assignments.filter import assigned_binds, assigned_condition
from governance.impact import to_impact
from governance.inbox.schemas import InboxCounts, InboxItem, InboxKind
from governance.messages.writer import write_message, write_title
from governance.records.titles import TITLE_OF
from policy.relations import APPROVALS
from tenants.relations import CLIENTS

_ITEMS: Final = f"""(
    SELECT CAST('exception' AS varchar) AS kind, e.tenant_id, e.id, e.change_id, CAST(e.severity AS bigint) AS severity,
           e.opened_at, e.correction_due_at AS due_at, e.id AS wait_id, e.impact_amount, e.impact_currency
      FROM governance_exception e WHERE e.state = 'open'
     UNION ALL
    SELECT 'approval', a.tenant_id, a.id, a.subject_id, CAST(a.severity AS bigint), a.created_at,
           coalesce(a.due_at, a.expires_at), a.wait_id, a.impact_amount, a.impact_currency
      FROM {APPROVALS} a WHERE a.state = 'pending' AND a.subject_kind = 'change')"""
"""As SQL: the columns of filters and order. Columns that are only shown are joined to the rows of one page."""
_TABLES: Final = f"{_ITEMS} i JOIN {CLIENTS} k ON k.tenant_id = i.tenant_id AND k.staff_access = 'standing'"
"""Clients that admit staff on request only are worked on from their own pages."""
_IS_CLIENT: Final = "(k.slug = :client OR lower(k.name) = lower(:client))"
_STEPS: Final = "SELECT 1 FROM escalation x WHERE x.tenant_id = i.tenant_id AND x.subject_id = i.wait_id"
_FILTERS: Final = {"kind": "i.kind = :kind", "client": _IS_CLIENT, "escalated": f"EXISTS ({_STEPS})"}
_ASSIGNED_SUBJECT: Final = "CASE i.kind WHEN 'approval' THEN i.change_id ELSE i.id END"
_NEEDS_APPROVAL: Final = N_("Needs approval")


async def list_inbox(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[InboxItem]:
    """One page of `inbox.lists`."""
    scope, assigned = scope_of(session), query.values.get("assigned", "")
    chosen = {name: value for name, value in query.values.items() if value and name in _FILTERS}
    where = " AND ".join(["k.msp_id = :msp", *(_FILTERS[name] for name in chosen), *_assigned(assigned)])

    def source(keyset: Keyset) -> ListSource:
        return ListSource(
            columns=f"""i.kind, i.tenant_id, i.id, i.change_id, coalesce(e.code, '') AS code,
                       coalesce(e.message, '') AS message, e.params, i.severity, i.impact_amount, i.impact_currency,
                       s.record_key, s.element, s.dimension,
                       s.record_type, {TITLE_OF.format(tenant="i.tenant_id", key="s.record_key")} AS record_title,
                       c.old_value, c.new_value, c.reason, i.opened_at, i.due_at, i.client,
                       i.client_name, (SELECT count(*) FROM ({_STEPS}) x) AS escalations""",
            tables=f"""(SELECT i.*, k.slug AS client, k.name AS client_name FROM {_TABLES}
                         WHERE {where} AND {keyset.condition} ORDER BY {keyset.order} LIMIT :page_rows) i
                LEFT JOIN governance_exception e
                  ON i.kind = 'exception' AND e.tenant_id = i.tenant_id AND e.id = i.id
                LEFT JOIN change c ON i.kind = 'approval' AND c.tenant_id = i.tenant_id AND c.id = i.change_id
               CROSS JOIN LATERAL (
                 SELECT coalesce(e.record_key, c.record_key) AS record_key, coalesce(e.element, c.element) AS element,
                        coalesce(e.dimension, c.dimension) AS dimension,
                        coalesce(e.record_type, c.record_type) AS record_type) s""",
            where="true",
            binds={"msp": scope.msp_id, **chosen, **assigned_binds(assigned, scope.actor)},
        )

    return (await read_page(session, source, query)).map(_item)


def _assigned(value: str) -> list[str]:
    return [assigned_condition(value, tenant="i.tenant_id", subject=_ASSIGNED_SUBJECT)] if value else []


async def count_inbox(
    session: AsyncSession, client: str = "", *, escalated: bool = False, assigned: str = ""
) -> InboxCounts:
    """Count the items of each kind. Filters: `client` (short name or name), `escalated`, and `assigned` (a value of
    that filter of the list).
    """
    scope = scope_of(session)
    rows = await session.execute(
        text(f"""
            SELECT i.kind, count(*) AS number FROM {_TABLES}
             WHERE k.msp_id = :msp AND (:client = '' OR {_IS_CLIENT})
               AND (NOT :escalated OR EXISTS ({_STEPS})) AND {" AND ".join(["true", *_assigned(assigned)])}
             GROUP BY i.kind
        """),
        {"msp": scope.msp_id, "client": client, "escalated": escalated, **assigned_binds(assigned, scope.actor)},
    )
    counts = {row.kind: row.number for row in rows}
    return InboxCounts(counts.get(InboxKind.APPROVAL, 0), counts.get(InboxKind.EXCEPTION, 0))


async def find_owners(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, tuple[UUID, InboxKind]]:
    """Account and kind of each item by id, without items that are closed or of another MSP."""
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
    return InboxItem(
        **own, title=title, detail=detail, old=to_value(row.old_value), new=to_value(row.new_value),
        impact=to_impact(row),
    )  # fmt: skip
