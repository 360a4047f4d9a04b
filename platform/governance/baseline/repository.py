"""SQL of reading a baseline: set-based, one statement per table and batch."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import COST, REFERENCE_ELEMENTS
from connectors.paging import Walk
from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from governance.baseline.rows import Comparison, Part, Reading, ReadRequest, SourceItem
from governance.records.values import to_value
from policy.rules import PolicyOutcome

_PUT_ITEMS: Final = BulkWrite(
    {
        "record_key": "varchar", "element": "varchar", "connection_id": "uuid", "amount": "bigint",
        "currency": "varchar", "source_version": "bigint", "source_event_id": "uuid",
    },
    """
    INSERT INTO baseline_item (tenant_id, msp_id, baseline_id, record_key, element, connection_id, amount, currency,
                               source_version, source_event_id)
    SELECT :tenant_id, :msp_id, :baseline_id, r.record_key, r.element, r.connection_id, r.amount, r.currency,
           r.source_version, r.source_event_id FROM {rows} ORDER BY r.record_key, r.element
    ON CONFLICT (tenant_id, baseline_id, record_key, element) DO UPDATE SET connection_id = excluded.connection_id,
        amount = excluded.amount, currency = excluded.currency, source_version = excluded.source_version,
        source_event_id = excluded.source_event_id, unreadable = NULL
    WHERE excluded.source_version > coalesce(baseline_item.source_version, -1)
    """,
)  # fmt: skip
_PUT_READINGS: Final = BulkWrite(
    {
        "connection_id": "uuid", "record_key": "varchar", "element": "varchar", "amount": "bigint",
        "currency": "varchar", "version": "bigint", "verdict": "varchar", "outcome": "varchar",
        "below_cost": "boolean", "seen_at": "timestamptz", "unreadable": "varchar",
    },
    """
    INSERT INTO baseline_reading (tenant_id, msp_id, baseline_id, connection_id, record_key, element, amount, currency,
                                  version, verdict, outcome, below_cost, seen_at, unreadable)
    SELECT :tenant_id, :msp_id, :baseline_id, r.connection_id, r.record_key, r.element, r.amount, r.currency,
           r.version, r.verdict, r.outcome, r.below_cost, r.seen_at, r.unreadable
      FROM {rows} ORDER BY r.record_key, r.element
    ON CONFLICT DO NOTHING
    """,
)  # fmt: skip
_VERDICTS: Final = tuple(verdict.value for verdict in Comparison)
_OUTCOMES: Final = tuple(outcome.value for outcome in PolicyOutcome)


async def find_open(session: AsyncSession) -> Row[Any] | None:
    """The client's open baseline (reading, ready or accepting), locked."""
    found = await session.execute(
        text("""
            SELECT id, state FROM baseline
             WHERE tenant_id = :t AND state IN ('reading', 'ready', 'accepting') FOR UPDATE
        """),
        {"t": scope_of(session).tenant_id},
    )
    return found.one_or_none()


async def lock_baseline(session: AsyncSession, baseline_id: UUID | None) -> Row[Any] | None:
    found = await session.execute(
        text("SELECT id, state, after, decided_by, decider FROM baseline WHERE tenant_id = :t AND id = :b FOR UPDATE"),
        {"t": scope_of(session).tenant_id, "b": baseline_id},
    )
    return found.one_or_none()


async def insert_baseline(session: AsyncSession, baseline_id: UUID, *, now: datetime) -> bool:
    """Insert a baseline. False when another one was started concurrently."""
    scope = scope_of(session)
    made = await session.execute(
        text("""
            INSERT INTO baseline (tenant_id, msp_id, id, state, started_at, started_by)
            VALUES (:t, :m, :b, 'reading', :now, :name) ON CONFLICT DO NOTHING RETURNING 1
        """),
        {"t": scope.tenant_id, "m": scope.msp_id, "b": baseline_id, "now": now, "name": scope.actor.name},
    )
    return made.scalar() is not None


async def insert_parts(
    session: AsyncSession, baseline_id: UUID, connections: Sequence[UUID], *, role: str, state: str
) -> None:
    scope = scope_of(session)
    await session.execute(
        text("""
            INSERT INTO baseline_part (tenant_id, msp_id, baseline_id, connection_id, role, state)
            SELECT :t, :m, :b, c.id, :role, :state FROM unnest(CAST(:connections AS uuid[])) AS c (id)
        """),
        {
            "t": scope.tenant_id,
            "m": scope.msp_id,
            "b": baseline_id,
            "role": role,
            "state": state,
            "connections": list(connections),
        },
    )


async def list_parts(session: AsyncSession, baseline_id: UUID) -> list[UUID]:
    """Connections of a locked baseline, so that no more can be added."""
    found = text("SELECT connection_id FROM baseline_part WHERE tenant_id = :t AND baseline_id = :b ORDER BY 1")
    return list(await session.scalars(found, {"t": scope_of(session).tenant_id, "b": baseline_id}))


async def find_part(session: AsyncSession, baseline_id: UUID | None, connection_id: UUID) -> Part | None:
    """The unread part of a baseline; None when it is read, or the baseline is no longer being read."""
    row = (
        await session.execute(
            text("""
                SELECT p.connection_id, p.role, p.state, p.cursor, p.walk
                  FROM baseline_part p JOIN baseline b ON b.tenant_id = p.tenant_id AND b.id = p.baseline_id
                 WHERE p.tenant_id = :t AND p.baseline_id = :b AND p.connection_id = :c
                   AND b.state = 'reading' AND p.state <> 'read'
            """),
            {"t": scope_of(session).tenant_id, "b": baseline_id, "c": connection_id},
        )
    ).one_or_none()
    if row is None:
        return None
    return Part(row.connection_id, row.role, row.state, row.cursor, msgspec.convert(row.walk or {}, Walk))


async def move_part(  # noqa: PLR0913 - keyword-only parts of one place
    session: AsyncSession,
    baseline_id: UUID,
    connection_id: UUID,
    *,
    state: str,
    cursor: str,
    listed: bool = False,
    error: str | None = None,
    walk: Walk | None = None,
    unkeyed: int = 0,
) -> None:
    """Update the progress. `unkeyed` is added to the stored count."""
    await session.execute(
        text("""
            UPDATE baseline_part SET state = :state, cursor = :cursor, error = :error,
                   listed = listed OR :listed, walk = CAST(:walk AS jsonb), unkeyed = unkeyed + :unkeyed
             WHERE tenant_id = :t AND baseline_id = :b AND connection_id = :c
        """),
        {
            "t": scope_of(session).tenant_id,
            "b": baseline_id,
            "c": connection_id,
            "state": state,
            "cursor": cursor,
            "listed": listed,
            "error": error,
            "walk": None if walk is None else msgspec.json.encode(walk).decode(),
            "unkeyed": unkeyed,
        },
    )


async def note_trouble(session: AsyncSession, baseline_id: UUID, connection_id: UUID, error: str) -> None:
    await session.execute(
        text("UPDATE baseline_part SET error = :e WHERE tenant_id = :t AND baseline_id = :b AND connection_id = :c"),
        {"t": scope_of(session).tenant_id, "b": baseline_id, "c": connection_id, "e": error},
    )


async def count_unread(session: AsyncSession, baseline_id: UUID, role: str) -> int:
    found = await session.execute(
        text("""
            SELECT count(*) FROM baseline_part
             WHERE tenant_id = :t AND baseline_id = :b AND role = :role AND state <> 'read'
        """),
        {"t": scope_of(session).tenant_id, "b": baseline_id, "role": role},
    )
    return int(found.scalar_one())


async def set_ready(session: AsyncSession, baseline_id: UUID, *, now: datetime) -> None:
    await session.execute(
        text("UPDATE baseline SET state = 'ready', read_at = :now WHERE tenant_id = :t AND id = :b"),
        {"t": scope_of(session).tenant_id, "b": baseline_id, "now": now},
    )


async def put_items(session: AsyncSession, baseline_id: UUID, items: Sequence[SourceItem]) -> None:
    """Store source values; the newest of one reading wins."""
    await _PUT_ITEMS.execute(session, items, baseline_id=baseline_id)


async def put_unreadable_items(
    session: AsyncSession, baseline_id: UUID, connection_id: UUID, found: Sequence[tuple[str, str, str]]
) -> None:
    """Store unreadable source values as (record key, element, text); a readable value takes precedence."""
    if not found:
        return
    scope, (keys, elements, reasons) = scope_of(session), zip(*found, strict=True)
    await session.execute(
        text("""
            INSERT INTO baseline_item (tenant_id, msp_id, baseline_id, record_key, element, connection_id, unreadable)
            SELECT :t, :m, :b, r.record_key, r.element, :c, r.reason
              FROM unnest(CAST(:keys AS varchar[]), CAST(:elements AS varchar[]), CAST(:reasons AS varchar[]))
                       AS r (record_key, element, reason)
             ORDER BY r.record_key, r.element
            ON CONFLICT DO NOTHING
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "b": baseline_id, "c": connection_id, "keys": list(keys),
            "elements": list(elements), "reasons": list(reasons),
        },
    )  # fmt: skip


async def drop_items(session: AsyncSession, baseline_id: UUID, connection_id: UUID, keys: Collection[str]) -> None:
    """Delete a source's values of these records from earlier pages, because two records claim the key."""
    if not keys:
        return
    await session.execute(
        text("""
            DELETE FROM baseline_item WHERE tenant_id = :t AND baseline_id = :b AND connection_id = :c
               AND record_key = ANY (:keys)
        """),
        {"t": scope_of(session).tenant_id, "b": baseline_id, "c": connection_id, "keys": sorted(keys)},
    )


async def put_keys(session: AsyncSession, baseline_id: UUID, keys: Sequence[str], elements: Sequence[str]) -> None:
    """Insert records listed by a channel; existing values of a source are kept."""
    scope = scope_of(session)
    await session.execute(
        text("""
            INSERT INTO baseline_item (tenant_id, msp_id, baseline_id, record_key, element)
            SELECT :t, :m, :b, k.record_key, e.element
              FROM unnest(CAST(:keys AS varchar[])) AS k (record_key),
                   unnest(CAST(:elements AS varchar[])) AS e (element)
             ORDER BY k.record_key, e.element
            ON CONFLICT DO NOTHING
        """),
        {"t": scope.tenant_id, "m": scope.msp_id, "b": baseline_id, "keys": list(keys), "elements": list(elements)},
    )


async def next_wanted(
    session: AsyncSession, baseline_id: UUID, cursor: tuple[str, str], *, limit: int
) -> list[ReadRequest]:
    """The next values to read on a channel, after the last (record key, element) read."""
    rows = await session.execute(
        text("""
            SELECT i.record_key, i.element, i.amount, i.currency, c.amount AS cost, c.currency AS cost_currency
              FROM (SELECT * FROM baseline_item
                     WHERE tenant_id = :t AND baseline_id = :b AND (record_key, element) > (:key, :element)
                       AND element <> ALL (:reference)
                     ORDER BY record_key, element LIMIT :limit) i
              LEFT JOIN LATERAL (SELECT c.amount, c.currency FROM baseline_item c
                                  WHERE c.tenant_id = :t AND c.baseline_id = :b AND c.record_key = i.record_key
                                    AND c.element = :cost OFFSET 0) c ON true
             ORDER BY i.record_key, i.element
        """),
        {
            "t": scope_of(session).tenant_id,
            "b": baseline_id,
            "key": cursor[0],
            "element": cursor[1],
            "reference": sorted(REFERENCE_ELEMENTS),
            "cost": COST,
            "limit": limit,
        },
    )
    return [
        ReadRequest(
            row.record_key, row.element, to_value(row.amount, row.currency), to_value(row.cost, row.cost_currency)
        )
        for row in rows
    ]


async def put_readings(session: AsyncSession, baseline_id: UUID, connection_id: UUID, rows: Sequence[Reading]) -> None:
    """Store readings and update the counts shown on pages."""
    await _PUT_READINGS.execute(session, rows, baseline_id=baseline_id)
    counts = {name: sum(row.verdict == name for row in rows) for name in _VERDICTS}
    counts |= {name: sum(row.outcome == name for row in rows) for name in _OUTCOMES}
    counts["below_cost"] = sum(row.below_cost for row in rows)
    added = ", ".join(f"{name} = {name} + :{name}" for name in counts)
    await session.execute(
        text(f"UPDATE baseline_part SET {added} WHERE tenant_id = :t AND baseline_id = :b AND connection_id = :c"),
        {**counts, "t": scope_of(session).tenant_id, "b": baseline_id, "c": connection_id},
    )
