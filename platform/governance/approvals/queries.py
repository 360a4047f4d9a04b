"""Queries of approvals, with the current and the resulting value of each channel."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from canonical.values import MoneyValue, Value, to_value
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from governance.approvals.schemas import ApprovalDetail, ApprovalItem, ChannelOutcome, ChannelPreview, VoteView
from governance.assignments.filter import assigned_binds, assigned_condition
from governance.changes.columns import APPROVAL_COLUMNS, CHANGE_COLUMNS, names_of_approvers, to_approval, to_change
from governance.changes.schemas import ChangeView
from governance.records.keys import bind_key, is_key
from governance.records.reference_values import known_cost, reference_keys
from governance.records.repository import load_values
from governance.records.routing import takes_value
from policy.relations import APPROVALS
from policy.states import ApprovalState

WAITING: Final = (ApprovalState.PENDING,)
_UNPUBLISHED: Final = (ApprovalState.PENDING, ApprovalState.GRANTED)
ANSWERED: Final = tuple(state for state in ApprovalState if state is not ApprovalState.PENDING)


async def list_approvals(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ApprovalItem]:
    """One page of `approvals.lists`."""
    wanted = query["status"]
    states = {"pending": WAITING, "answered": ANSWERED}.get(wanted) or (ApprovalState.of(wanted),)
    scope, assigned = scope_of(session), query.values.get("assigned", "")
    conditions = ["a.tenant_id = :t AND a.subject_kind = 'change' AND a.state = ANY (:states)"]
    if assigned:
        conditions.append(assigned_condition(assigned, tenant="a.tenant_id", subject="a.subject_id"))
    binds = {"t": scope.tenant_id, "states": [state.value for state in states]}
    source = ListSource(
        columns=f"{CHANGE_COLUMNS}, {APPROVAL_COLUMNS}",
        tables=f"{APPROVALS} a JOIN change c ON c.tenant_id = a.tenant_id AND c.id = a.subject_id",
        where=" AND ".join(conditions),
        binds=binds | dict(assigned_binds(assigned, scope.actor)),
    )
    page = await read_page(session, source, query)
    names = await names_of_approvers(session, page.items)
    return page.map(lambda row: ApprovalItem(to_approval(row, names), to_change(row)))


async def find_subject(session: AsyncSession, approval_id: UUID) -> UUID:
    """Return the change that an approval is about. Raises NotFound."""
    found: UUID | None = await session.scalar(
        text(f"SELECT subject_id FROM {APPROVALS} a WHERE tenant_id = :t AND id = :id AND subject_kind = 'change'"),
        {"t": scope_of(session).tenant_id, "id": approval_id},
    )
    if found is None:
        raise NotFound
    return found


async def count_waiting(session: AsyncSession) -> int:
    found = await session.execute(
        text(
            f"SELECT count(*) FROM {APPROVALS} a WHERE tenant_id = :t AND state = 'pending' AND subject_kind = 'change'"
        ),
        {"t": scope_of(session).tenant_id},
    )
    return int(found.scalar_one())


async def read_approval(session: AsyncSession, change_id: UUID) -> ApprovalDetail:
    """Return the newest approval of a change. Raises NotFound."""
    row = (
        await session.execute(
            text(f"""
                SELECT {CHANGE_COLUMNS}, {APPROVAL_COLUMNS}
                  FROM change c JOIN {APPROVALS} a ON a.tenant_id = c.tenant_id AND a.id = c.approval_id
                 WHERE c.tenant_id = :t AND c.id = :id
            """),
            {"t": scope_of(session).tenant_id, "id": change_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    change = to_change(row)
    cost = await _cost(session, change.key)
    approval = to_approval(row, await names_of_approvers(session, [row]))
    preview = await _preview(session, change, cost, is_open=approval.state in _UNPUBLISHED)
    votes = msgspec.convert(row.a_votes, list[VoteView]) if approval.approvers else []
    return ApprovalDetail(approval, change, preview, cost, await _elsewhere(session, change), votes)


async def _elsewhere(session: AsyncSession, change: ChangeView) -> list[ChannelOutcome]:
    """Decisions on the same value for other channels, proposed together with this change."""
    if change.targets is None:
        return []
    rows = await session.execute(
        text(f"""
            SELECT {CHANGE_COLUMNS}, n.id AS connection_id, n.name AS channel
              FROM change c JOIN {CONNECTIONS} n ON n.tenant_id = c.tenant_id AND n.id = ANY (c.targets)
             WHERE c.tenant_id = :t AND {is_key("c")} AND c.proposed_at = :at AND c.origin = :origin AND c.id <> :id
             ORDER BY n.name, n.id
        """),
        {
            "t": scope_of(session).tenant_id,
            **bind_key(change.key),
            "at": change.proposed_at,
            "origin": change.origin,
            "id": change.id,
        },
    )
    return [
        ChannelOutcome(row.connection_id, row.channel, other.id, other.state, other.outcome, other.reason)
        for row in rows
        for other in [to_change(row)]
    ]


async def _cost(session: AsyncSession, key: ElementKey) -> Value | None:
    """The reference value that policy compares the change with."""
    return known_cost(await load_values(session, reference_keys(key), lock=False), key)


async def _preview(
    session: AsyncSession, change: ChangeView, cost: Value | None, *, is_open: bool
) -> list[ChannelPreview]:
    """Preview per channel; resulting values only while this approval can still lead to them."""
    rows = await session.execute(
        text(f"""
            SELECT n.id, n.name, v.value, v.seen_at
              FROM {CONNECTIONS} n
             CROSS JOIN (SELECT CAST(:record_key AS varchar) AS record_key, CAST(:element AS varchar) AS element,
                                CAST(:dimension AS varchar) AS dimension,
                                CAST(:record_type AS varchar) AS record_type) k
              LEFT JOIN channel_value v ON v.tenant_id = n.tenant_id AND v.connection_id = n.id
               AND {is_key("v")}
             WHERE n.tenant_id = :t AND {takes_value("n", "k")} AND n.state = 'active'
               AND (CAST(:targets AS uuid[]) IS NULL OR n.id = ANY (:targets))
             ORDER BY n.name, n.id
        """),
        {
            "t": scope_of(session).tenant_id,
            **bind_key(change.key),
            "targets": None if change.targets is None else list(change.targets),
        },
    )
    new = change.new if is_open else None
    then = _margin(new, cost)
    return [
        ChannelPreview(
            row.id, row.name, shows := to_value(row.value), row.seen_at, new,
            _margin(shows, cost), then,
        )
        for row in rows
    ]  # fmt: skip


def _margin(price: Value | None, cost: Value | None) -> float | None:
    match price, cost:
        case (MoneyValue(), MoneyValue()) if price.currency == cost.currency and price.number > 0:
            return float((price.number - cost.number) / price.number)
    return None
