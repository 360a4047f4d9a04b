"""SQL of reading a baseline: set-based, one statement per table and batch."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import COST, REFERENCE_ELEMENTS
from canonical.keys import ElementKey
from connectors.paging import ListProgress
from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from foundation.i18n.messages import MessageText, encode_text
from foundation.state_machine import in_sql
from governance.baseline.rows import Comparison, Part, Reading, ReadRequest, SourceItem
from governance.baseline.states import BASELINES, IS_OPEN_BASELINE, BaselinePartState, BaselineState
from governance.records.keys import KEY_COLUMNS, KEY_TYPES, bind_key, key_binds, key_columns, key_set
from governance.records.values import row_reader
from policy.rules import PolicyOutcome

_PUT_ITEMS: Final = BulkWrite(
    {
        **KEY_TYPES, "connection_id": "uuid", "value": "jsonb", "source_version": "bigint", "source_event_id": "uuid",
    },
    f"""
    INSERT INTO baseline_item (tenant_id, msp_id, baseline_id, {KEY_COLUMNS}, connection_id, value, source_version,
                               source_event_id)
    SELECT :tenant_id, :msp_id, :baseline_id, {key_columns("r")}, r.connection_id, r.value, r.source_version,
           r.source_event_id FROM {{rows}} ORDER BY {key_columns("r")}
    ON CONFLICT (tenant_id, baseline_id, {KEY_COLUMNS}) DO UPDATE SET connection_id = excluded.connection_id,
        value = excluded.value, source_version = excluded.source_version, source_event_id = excluded.source_event_id,
        unreadable = NULL
    WHERE excluded.source_version > coalesce(baseline_item.source_version, -1)
    """,
)  # fmt: skip
_PUT_READINGS: Final = BulkWrite(
    {
        "connection_id": "uuid", **KEY_TYPES, "value": "jsonb", "version": "bigint", "comparison": "varchar",
        "outcome": "varchar", "below_cost": "boolean", "seen_at": "timestamptz", "unreadable": "jsonb",
    },
    f"""
    INSERT INTO baseline_reading (tenant_id, msp_id, baseline_id, connection_id, {KEY_COLUMNS}, value, version,
                                  comparison, outcome, below_cost, seen_at, unreadable)
    SELECT :tenant_id, :msp_id, :baseline_id, r.connection_id, {key_columns("r")}, r.value, r.version, r.comparison,
           r.outcome, r.below_cost, r.seen_at, r.unreadable
      FROM {{rows}} ORDER BY {key_columns("r")}
    ON CONFLICT DO NOTHING
    """,
)  # fmt: skip
_READ_REQUEST: Final = row_reader(ReadRequest, fields=6)
_KEYS_WITH_REASONS: Final = key_set(reason=("reasons", "varchar[]"))
_COMPARISONS: Final = tuple(each.value for each in Comparison)
_OUTCOMES: Final = tuple(outcome.value for outcome in PolicyOutcome)


async def find_open(session: AsyncSession) -> Row[Any] | None:
    """The client's open baseline (reading, ready or accepting), locked."""
    found = await session.execute(
        text(f"""
            SELECT id, state FROM baseline
             WHERE tenant_id = :t AND {IS_OPEN_BASELINE} FOR UPDATE
        """),
        {"t": scope_of(session).tenant_id},
    )
    return found.one_or_none()


async def lock_baseline(session: AsyncSession, baseline_id: UUID | None) -> Row[Any] | None:
    found = await session.execute(
        text(
            "SELECT id, state, after, decided_by, decided_by_id FROM baseline"
            " WHERE tenant_id = :t AND id = :b FOR UPDATE"
        ),
        {"t": scope_of(session).tenant_id, "b": baseline_id},
    )
    return found.one_or_none()


async def insert_baseline(session: AsyncSession, baseline_id: UUID, *, now: datetime) -> bool:
    """Insert a baseline. Returns False if another baseline was started concurrently."""
    scope = scope_of(session)
    made = await session.execute(
        text(f"""
            INSERT INTO baseline (tenant_id, msp_id, id, state, started_at, started_by)
            VALUES (:t, :m, :b, '{BaselineState.READING}', :now, :name) ON CONFLICT DO NOTHING RETURNING 1
        """),
        {"t": scope.tenant_id, "m": scope.msp_id, "b": baseline_id, "now": now, "name": scope.actor.name},
    )
    return made.scalar() is not None


async def insert_parts(
    session: AsyncSession, baseline_id: UUID, connections: Sequence[UUID], *, role: str, state: BaselinePartState
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
    parts = "SELECT DISTINCT connection_id FROM baseline_part WHERE tenant_id = :t AND baseline_id = :b ORDER BY 1"
    return list(await session.scalars(text(parts), {"t": scope_of(session).tenant_id, "b": baseline_id}))


async def find_part(session: AsyncSession, baseline_id: UUID | None, connection_id: UUID) -> Part | None:
    """The unread part of a baseline; None when it is read, or the baseline is no longer being read."""
    row = (
        await session.execute(
            text("""
                SELECT p.connection_id, p.role, p.state, p.cursor, p.progress
                  FROM baseline_part p JOIN baseline b ON b.tenant_id = p.tenant_id AND b.id = p.baseline_id
                 WHERE p.tenant_id = :t AND p.baseline_id = :b AND p.connection_id = :c
                   AND b.state = 'reading' AND p.state <> 'read'
            """),
            {"t": scope_of(session).tenant_id, "b": baseline_id, "c": connection_id},
        )
    ).one_or_none()
    if row is None:
        return None
    return Part(row.connection_id, row.role, row.state, row.cursor, msgspec.convert(row.progress or {}, ListProgress))


async def move_part(  # noqa: PLR0913 - keyword-only parts of one place
    session: AsyncSession,
    baseline_id: UUID,
    connection_id: UUID,
    *,
    state: BaselinePartState,
    cursor: str,
    listed: bool = False,
    error: MessageText | None = None,
    progress: ListProgress | None = None,
    unkeyed: int = 0,
) -> None:
    """Update the progress of the part that is not read yet. `unkeyed` is added to the stored count."""
    await session.execute(
        text("""
            UPDATE baseline_part SET state = :state, cursor = :cursor, error = CAST(:error AS jsonb),
                   listed = listed OR :listed, progress = CAST(:progress AS jsonb), unkeyed = unkeyed + :unkeyed
             WHERE tenant_id = :t AND baseline_id = :b AND connection_id = :c AND state <> 'read'
        """),
        {
            "t": scope_of(session).tenant_id,
            "b": baseline_id,
            "c": connection_id,
            "state": state,
            "cursor": cursor,
            "listed": listed,
            "error": encode_text(error),
            "progress": None if progress is None else msgspec.json.encode(progress).decode(),
            "unkeyed": unkeyed,
        },
    )


async def note_trouble(session: AsyncSession, baseline_id: UUID, connection_id: UUID, error: MessageText) -> None:
    await session.execute(
        text("""
            UPDATE baseline_part SET error = CAST(:e AS jsonb)
             WHERE tenant_id = :t AND baseline_id = :b AND connection_id = :c AND state <> 'read'
        """),
        {"t": scope_of(session).tenant_id, "b": baseline_id, "c": connection_id, "e": encode_text(error)},
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
        text(
            f"UPDATE baseline SET state = '{BaselineState.READY}', read_at = :now WHERE tenant_id = :t AND id = :b"
            f" AND state IN ({in_sql(BASELINES.before(BaselineState.READY))})"
        ),
        {"t": scope_of(session).tenant_id, "b": baseline_id, "now": now},
    )


async def put_items(session: AsyncSession, baseline_id: UUID, items: Sequence[SourceItem]) -> None:
    """Store source values; the newest of one reading wins."""
    await _PUT_ITEMS.execute(session, items, baseline_id=baseline_id)


async def put_unreadable_items(
    session: AsyncSession, baseline_id: UUID, connection_id: UUID, found: Sequence[tuple[ElementKey, MessageText]]
) -> None:
    """Store the reasons for unreadable source values, by key; a readable value takes precedence."""
    if not found:
        return
    scope = scope_of(session)
    await session.execute(
        text(f"""
            INSERT INTO baseline_item (tenant_id, msp_id, baseline_id, {KEY_COLUMNS}, connection_id, unreadable)
            SELECT :t, :m, :b, {key_columns("k")}, :c, CAST(k.reason AS jsonb)
              FROM {_KEYS_WITH_REASONS} ORDER BY {key_columns("k")}
            ON CONFLICT DO NOTHING
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "b": baseline_id, "c": connection_id,
            **key_binds(key for key, _ in found), "reasons": [encode_text(reason) for _, reason in found],
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


async def next_wanted(session: AsyncSession, baseline_id: UUID, cursor: ElementKey, *, limit: int) -> list[ReadRequest]:
    """The next values to read on a channel, after the last key read."""
    rows = await session.execute(
        text(f"""
            SELECT {key_columns("i")}, i.value, c.value AS cost
              FROM (SELECT * FROM baseline_item
                     WHERE tenant_id = :t AND baseline_id = :b
                       AND ({KEY_COLUMNS}) > (:record_key, :element, :dimension, :record_type)
                       AND element <> ALL (:reference)
                     ORDER BY {KEY_COLUMNS} LIMIT :limit) i
              LEFT JOIN LATERAL (SELECT c.value FROM baseline_item c
                                  WHERE c.tenant_id = :t AND c.baseline_id = :b AND c.record_key = i.record_key
                                    AND c.element = :cost AND c.record_type = i.record_type AND c.value IS NOT NULL
                                    AND c.dimension IN ('', substring(i.dimension FROM 'currency=[A-Z]+'))
                                  ORDER BY c.dimension DESC LIMIT 1) c ON true
             ORDER BY {key_columns("i")}
        """),
        {
            "t": scope_of(session).tenant_id,
            "b": baseline_id,
            **bind_key(cursor),
            "reference": sorted(REFERENCE_ELEMENTS),
            "cost": COST,
            "limit": limit,
        },
    )
    return [_READ_REQUEST(row) for row in rows]


async def put_readings(session: AsyncSession, baseline_id: UUID, connection_id: UUID, rows: Sequence[Reading]) -> None:
    """Store readings and update the counts shown on pages."""
    await _PUT_READINGS.execute(session, rows, baseline_id=baseline_id)
    counts = {name: sum(row.comparison == name for row in rows) for name in _COMPARISONS}
    counts |= {name: sum(row.outcome == name for row in rows) for name in _OUTCOMES}
    counts["below_cost"] = sum(row.below_cost for row in rows)
    added = ", ".join(f"{name} = {name} + :{name}" for name in counts)
    await session.execute(
        text(
            f"UPDATE baseline_part SET {added}"
            " WHERE tenant_id = :t AND baseline_id = :b AND connection_id = :c AND state <> 'read'"
        ),
        {**counts, "t": scope_of(session).tenant_id, "b": baseline_id, "c": connection_id},
    )
