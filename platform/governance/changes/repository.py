"""SQL of the hot path of changes: set-based, one statement per table and batch.

Rows of a batch are looked up key by key (`LATERAL` with an optimizer fence, `OFFSET 0`). A join would depend on the
planner's estimate for a growing table, and a wrong plan reads the entire table: 2 s instead of 5 ms, seen with 10,000
changes.

All transactions lock rows in one order to avoid deadlocks: values, changes, approvals, exceptions; each table by its
key.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from foundation.state_machine import in_sql
from governance.changes.rows import Awaiting, ChangeRow
from governance.changes.states import CHANGES, ChangeState
from governance.records.keys import (
    KEY_COLUMNS,
    KEY_SET,
    KEY_TYPES,
    key_binds,
    key_columns,
    key_of,
    same_key,
    sorted_keys,
)
from governance.records.values import row_reader
from policy.relations import APPROVALS
from policy.states import ApprovalState

_CHANGE_COLUMNS: Final = ", ".join(f"c.{name}" for name in ChangeRow.__struct_fields__)
_READ_CHANGE: Final = row_reader(ChangeRow)
_INSERT_CHANGES = BulkWrite.insert(
    "change",
    {
        "id": "uuid", **KEY_TYPES, "old_value": "jsonb", "new_value": "jsonb", "source_version": "bigint",
        "version": "bigint",
        "origin": "varchar", "author": "varchar", "state": "varchar", "outcome": "varchar", "rule_id": "varchar",
        "reason": "jsonb", "policy_version": "bigint", "cost_value": "jsonb", "targets": "uuid[]",
        "approval_id": "uuid",
        "source_event_id": "uuid", "committed_at": "timestamptz", "proposed_at": "timestamptz",
        "correlation": "varchar", "on_behalf_of": "varchar", "decided_at": "timestamptz",
        "note": "varchar", "author_roles": "varchar[]",
    },
)  # fmt: skip


async def load_changes(session: AsyncSession, ids: Sequence[UUID | None], *, lock: bool = True) -> list[ChangeRow]:
    """Load changes. Callers that need the values locked must lock those first."""
    rows = await session.execute(
        text(f"""
            SELECT {_CHANGE_COLUMNS} FROM change c WHERE c.tenant_id = :t AND c.id = ANY (:ids) ORDER BY c.id
            {"FOR UPDATE" if lock else ""}
        """),
        {"t": scope_of(session).tenant_id, "ids": list(ids)},
    )
    return [_READ_CHANGE(row) for row in rows]


async def load_awaiting(
    session: AsyncSession, keys: Iterable[ElementKey], *, now: datetime
) -> dict[ElementKey, list[Awaiting]]:
    """Load and lock the changes of `keys` pending approval. The caller has locked their values.

    Most clients have no such change, so keys are looked up only where there is any.
    """
    rows = await session.execute(
        text(f"""
            SELECT {_CHANGE_COLUMNS}, a.content_hash, a.state
              FROM change c
              LEFT JOIN LATERAL (SELECT a.content_hash, a.state FROM {APPROVALS} a
                                  WHERE a.tenant_id = :t AND a.id = c.approval_id AND a.state IN ('pending', 'granted')
                                    AND a.expires_at > :now OFFSET 0) a ON true
             WHERE c.tenant_id = :t AND c.state = 'awaiting_approval' AND c.id = ANY (ARRAY(
                   SELECT w.id FROM {KEY_SET},
                          LATERAL (SELECT w.id FROM change w WHERE w.tenant_id = :t AND {same_key("w", "k")}
                                      AND w.state = 'awaiting_approval' OFFSET 0) w
                    WHERE EXISTS (SELECT 1 FROM change WHERE tenant_id = :t AND state = 'awaiting_approval')))
             ORDER BY c.id FOR UPDATE OF c
        """),
        {"t": scope_of(session).tenant_id, "now": now, **key_binds(sorted_keys(keys))},
    )
    found: dict[ElementKey, list[Awaiting]] = {}
    for *columns, content, state in rows:
        change = _READ_CHANGE(columns)
        pending = Awaiting(change, None if content is None else bytes(content), answered=state == ApprovalState.GRANTED)
        found.setdefault(change.key, []).append(pending)
    return found


async def awaiting_keys(session: AsyncSession, record_keys: Sequence[str]) -> set[ElementKey]:
    """Keys of these records with a change pending approval. Locks nothing, because values are locked first."""
    if not record_keys:
        return set()
    rows = await session.execute(
        text(f"""
            SELECT DISTINCT {key_columns("w")}
              FROM unnest(CAST(:keys AS varchar[])) AS k (record_key),
                   LATERAL (SELECT {KEY_COLUMNS} FROM change w WHERE w.tenant_id = :t
                               AND w.record_key = k.record_key AND w.state = 'awaiting_approval' OFFSET 0) w
        """),
        {"t": scope_of(session).tenant_id, "keys": sorted(set(record_keys))},
    )
    return {key_of(row) for row in rows}


async def supersede_changes(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Supersede the pending changes among `ids`, which the caller has locked."""
    await session.execute(
        text(
            f"UPDATE change SET state = '{ChangeState.SUPERSEDED}'"
            f" WHERE tenant_id = :t AND id = ANY (:ids) AND state IN ({in_sql(CHANGES.before(ChangeState.SUPERSEDED))})"
        ),
        {"t": scope_of(session).tenant_id, "ids": list(ids)},
    )


async def insert_changes(session: AsyncSession, rows: Sequence[ChangeRow]) -> None:
    await _INSERT_CHANGES.execute(session, rows)
