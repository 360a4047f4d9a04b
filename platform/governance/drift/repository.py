"""SQL of the drift scan: selection of the next values, and its results."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import Value
from foundation.database.engine import scope_of
from governance.exception_types import ExceptionType
from governance.propagation.states import RUNNING


class ObservedValue(msgspec.Struct, frozen=True, gc=False):
    """The value last read on a channel."""

    record_key: str
    element: str
    amount: int
    currency: str
    version: int
    change_id: UUID | None
    seen_at: datetime
    drifted: bool  # has an open drift exception
    in_turn: bool  # selected by the cursor, not as a known drift

    @property
    def value(self) -> Value:
        return Value(self.amount, self.currency)


_UNMOVED: Final = f"""
    NOT EXISTS (SELECT 1 FROM propagation p WHERE p.tenant_id = :t AND p.connection_id = :c
                   AND p.record_key = v.record_key AND p.element = v.element AND p.{RUNNING})
"""
"""As SQL: no propagation of the value is running, so the value last read is the expected one."""


async def next_values(session: AsyncSession, connection_id: UUID, *, limit: int) -> list[ObservedValue]:
    """The next values from the cursor, and up to a quarter as many with known drift."""
    rows = await session.execute(
        text(f"""
            WITH round AS (
                SELECT coalesce(max(r.record_key), '') AS record_key, coalesce(max(r.element), '') AS element
                  FROM drift_cursor r WHERE r.tenant_id = :t AND r.connection_id = :c
            ), next AS (
                SELECT v.record_key, v.element, true AS in_turn FROM channel_value v, round
                 WHERE v.tenant_id = :t AND v.connection_id = :c
                   AND (v.record_key, v.element) > (round.record_key, round.element)
                 ORDER BY v.record_key, v.element LIMIT :limit
            ), drifted AS (
                SELECT e.record_key, e.element FROM governance_exception e
                 WHERE e.tenant_id = :t AND e.state = 'open' AND e.code = :code AND e.connection_id = :c
                   AND e.source_event_id IS NULL
                 ORDER BY e.seen_at LIMIT :limit / 4
            )
            SELECT v.record_key, v.element, v.amount, v.currency, v.version, v.change_id, v.seen_at,
                   bool_or(k.drifted), bool_or(k.in_turn)
              FROM (SELECT record_key, element, false AS drifted, in_turn FROM next
                     UNION ALL SELECT record_key, element, true, false FROM drifted) k
              JOIN channel_value v ON v.tenant_id = :t AND v.connection_id = :c AND v.record_key = k.record_key
               AND v.element = k.element
             WHERE k.in_turn OR {_UNMOVED}
             GROUP BY v.tenant_id, v.connection_id, v.record_key, v.element
             ORDER BY v.record_key, v.element
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "limit": limit, "code": ExceptionType.CHANNEL_DRIFT},
    )
    return [ObservedValue(*row) for row in rows]


async def some_stopped(session: AsyncSession, connection_id: UUID, *, limit: int) -> list[UUID]:
    """Random refused or failed propagations: changes whose value may be visible nevertheless."""
    rows = await session.execute(
        text(f"""
            SELECT p.change_id FROM propagation p
             WHERE p.tenant_id = :t AND p.connection_id = :c AND p.{RUNNING} AND p.state IN ('refused', 'failed')
             ORDER BY random() LIMIT :limit
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "limit": limit},
    )
    return list(rows.scalars())


async def still_kept(session: AsyncSession, connection_id: UUID, kept: Collection[ObservedValue]) -> set[ObservedValue]:
    """Those unchanged since they were selected."""
    rows = await session.execute(
        text(f"""
            SELECT v.record_key, v.element, v.version, v.seen_at
              FROM unnest(CAST(:keys AS varchar[]), CAST(:elements AS varchar[])) AS k (record_key, element)
              JOIN channel_value v ON v.tenant_id = :t AND v.connection_id = :c AND v.record_key = k.record_key
               AND v.element = k.element
             WHERE {_UNMOVED}
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, **_keys(kept)},
    )
    now = {(row.record_key, row.element, row.version, row.seen_at) for row in rows}
    return {value for value in kept if (value.record_key, value.element, value.version, value.seen_at) in now}


async def record_seen(
    session: AsyncSession, connection_id: UUID, kept: Sequence[ObservedValue], *, now: datetime
) -> None:
    if not kept:
        return
    await session.execute(
        text("""
            UPDATE channel_value v SET seen_at = :now
              FROM unnest(CAST(:keys AS varchar[]), CAST(:elements AS varchar[])) AS k (record_key, element)
             WHERE v.tenant_id = :t AND v.connection_id = :c AND v.record_key = k.record_key AND v.element = k.element
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "now": now, **_keys(kept)},
    )


async def save_cursor(session: AsyncSession, connection_id: UUID, kept: Sequence[ObservedValue], *, limit: int) -> None:
    """Move the cursor behind the last value, or back to the start at the end of the list."""
    turn = [value for value in kept if value.in_turn]
    last = turn[-1] if len(turn) >= limit else None
    scope = scope_of(session)
    await session.execute(
        text("""
            INSERT INTO drift_cursor (tenant_id, msp_id, connection_id, record_key, element)
            VALUES (:t, :m, :c, :key, :element)
            ON CONFLICT (tenant_id, connection_id) DO UPDATE SET record_key = excluded.record_key,
                   element = excluded.element
        """),
        {
            "t": scope.tenant_id,
            "m": scope.msp_id,
            "c": connection_id,
            "key": "" if last is None else last.record_key,
            "element": "" if last is None else last.element,
        },
    )


def _keys(kept: Collection[ObservedValue]) -> dict[str, list[str]]:
    return {"keys": [value.record_key for value in kept], "elements": [value.element for value in kept]}
