"""SQL of the acceptance of a baseline. Rows are looked up key by key, as in `governance.changes.repository`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from canonical.values import Value, read_value
from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from foundation.state_machine import in_sql
from governance.baseline.rows import (
    Compared,
    Comparison,
    Counts,
    InFlight,
    LinkedChange,
    Reading,
    ShownReading,
    SourceItem,
)
from governance.baseline.states import BASELINES, BaselineState
from governance.changes.planner import DecisionSnapshot
from governance.exception_types import ExceptionType
from governance.records.keys import (
    KEY_COLUMNS,
    KEY_SET,
    KEY_TYPES,
    key_binds,
    key_columns,
    key_of,
    key_set,
    same_key,
)
from governance.records.values import row_reader

_COUNTS: Final = Counts.__struct_fields__
_READ_ITEM: Final = row_reader(SourceItem)
_READ_READING: Final = row_reader(Reading, fields=11)
_KEYS_SEEN: Final = key_set(connection_id=("connections", "uuid[]"), seen_at=("seen", "timestamptz[]"))
_SEE: Final = BulkWrite(
    {
        "connection_id": "uuid", **KEY_TYPES, "partner_id": "uuid", "value": "jsonb", "version": "bigint",
        "change_id": "uuid", "seen_at": "timestamptz",
    },
    f"""
    INSERT INTO channel_value (tenant_id, msp_id, connection_id, {KEY_COLUMNS}, partner_id, value, version, change_id,
                               seen_at)
    SELECT :tenant_id, :msp_id, r.connection_id, {key_columns("r")}, r.partner_id, r.value, r.version, r.change_id,
           r.seen_at FROM {{rows}} ORDER BY r.connection_id, {key_columns("r")}
    ON CONFLICT (tenant_id, connection_id, {KEY_COLUMNS}) DO UPDATE SET value = excluded.value,
        version = excluded.version, change_id = excluded.change_id, seen_at = excluded.seen_at,
        partner_id = excluded.partner_id
    WHERE channel_value.version <= excluded.version AND channel_value.seen_at < excluded.seen_at
    """,
)  # fmt: skip
_LINK: Final = BulkWrite(
    {"connection_id": "uuid", **KEY_TYPES, "change_id": "uuid"},
    f"""
    UPDATE baseline_reading b SET change_id = r.change_id FROM {{rows}}
     WHERE b.tenant_id = :tenant_id AND b.msp_id = :msp_id AND b.baseline_id = :baseline_id
       AND b.connection_id = r.connection_id AND {same_key("b", "r")}
    """,
)


async def sum_parts(session: AsyncSession, baseline_id: UUID) -> dict[str, int]:
    row = (
        await session.execute(
            text("""
                SELECT coalesce(sum(equal), 0) AS equal, coalesce(sum(differs), 0) AS differs,
                       coalesce(sum(source_only), 0) AS source_only, coalesce(sum(channel_only), 0) AS channel_only,
                       coalesce(sum(below_cost), 0) AS below_cost
                  FROM baseline_part WHERE tenant_id = :t AND baseline_id = :b AND role = 'channel'
            """),
            {"t": scope_of(session).tenant_id, "b": baseline_id},
        )
    ).one()
    return {name: int(value) for name, value in row._mapping.items()}  # noqa: SLF001 - SQLAlchemy's access by name


async def next_records(session: AsyncSession, baseline_id: UUID, cursor: str, *, limit: int) -> list[str]:
    found = await session.scalars(
        text("""
            SELECT DISTINCT record_key FROM baseline_item
             WHERE tenant_id = :t AND baseline_id = :b AND record_key > :cursor ORDER BY record_key LIMIT :limit
        """),
        {"t": scope_of(session).tenant_id, "b": baseline_id, "cursor": cursor, "limit": limit},
    )
    return list(found)


async def load_items(session: AsyncSession, baseline_id: UUID, records: Sequence[str]) -> list[SourceItem]:
    rows = await session.execute(
        text(f"""
            SELECT {key_columns("i")}, i.connection_id, i.value, i.source_version, i.source_event_id
              FROM unnest(CAST(:records AS varchar[])) AS k (record_key),
                   LATERAL (SELECT * FROM baseline_item i WHERE i.tenant_id = :t AND i.baseline_id = :b
                               AND i.record_key = k.record_key OFFSET 0) i
        """),
        {"t": scope_of(session).tenant_id, "b": baseline_id, "records": list(records)},
    )
    return [_READ_ITEM(row) for row in rows]


async def load_readings(session: AsyncSession, baseline_id: UUID, records: Sequence[str]) -> list[Reading]:
    """Load the readings of these records, ordered by channel."""
    rows = await session.execute(
        text(f"""
            SELECT {key_columns("r")}, r.connection_id, r.value, r.version, r.comparison, r.outcome, r.below_cost,
                   r.seen_at
              FROM baseline_part p, unnest(CAST(:records AS varchar[])) AS k (record_key),
                   LATERAL (SELECT * FROM baseline_reading r WHERE r.tenant_id = :t AND r.baseline_id = :b
                               AND r.connection_id = p.connection_id AND r.record_key = k.record_key OFFSET 0) r
             WHERE p.tenant_id = :t AND p.baseline_id = :b AND p.role = 'channel' ORDER BY r.connection_id
        """),
        {"t": scope_of(session).tenant_id, "b": baseline_id, "records": list(records)},
    )
    return [msgspec.structs.replace(_READ_READING(row), comparison=Comparison(row.comparison)) for row in rows]


async def load_in_flight(session: AsyncSession, compared: Sequence[Compared], snapshot: DecisionSnapshot) -> InFlight:
    """Load the changes and propagations under way. The caller holds the locks of the values (`snapshot`), so they
    cannot change.
    """
    keys = [one.item.key for one in compared]
    sent = [
        row.change_id for key in keys if (row := snapshot.values.get(key)) is not None and row.change_id is not None
    ]
    columns = key_binds(keys)
    tenant = {"t": scope_of(session).tenant_id}
    on_the_way = await session.execute(
        text("""
            SELECT p.change_id, p.connection_id
              FROM unnest(CAST(:sent AS uuid[])) AS k (id),
                   LATERAL (SELECT * FROM propagation p WHERE p.tenant_id = :t AND p.change_id = k.id
                               AND p.state <> 'verified' OFFSET 0) p
        """),
        {**tenant, "sent": sent},
    )
    awaiting = await session.execute(
        text(f"""
            SELECT {key_columns("c")}, c.new_value
              FROM {KEY_SET},
                   LATERAL (SELECT * FROM change c WHERE c.tenant_id = :t AND {same_key("c", "k")}
                               AND c.state = 'awaiting_approval' OFFSET 0) c
        """),
        {**tenant, **columns},
    )
    refused = await session.execute(
        text(f"""
            SELECT {key_columns("k")}
              FROM {KEY_SET},
                   LATERAL (SELECT 1 FROM governance_exception e WHERE e.tenant_id = :t AND e.code = :refused
                               AND {same_key("e", "k")} AND e.state = 'open' LIMIT 1) e
        """),
        {**tenant, **columns, "refused": ExceptionType.CHANGE_REFUSED},
    )
    return InFlight(
        on_the_way=frozenset((row.change_id, row.connection_id) for row in on_the_way),
        awaiting=frozenset((key_of(row), read_value(row.new_value)) for row in awaiting),
        refused=frozenset(key_of(row) for row in refused),
        later=await _newer_values(session, [reading for one in compared for reading in one.readings]),
    )


async def _newer_values(session: AsyncSession, readings: Sequence[Reading]) -> dict[tuple[UUID, ElementKey], Value]:
    rows = await session.execute(
        text(f"""
            SELECT v.connection_id, {key_columns("v")}, v.value
              FROM {_KEYS_SEEN},
                   LATERAL (SELECT * FROM channel_value v WHERE v.tenant_id = :t AND v.connection_id = k.connection_id
                               AND {same_key("v", "k")} OFFSET 0) v
             WHERE v.seen_at > k.seen_at
        """),
        {
            "t": scope_of(session).tenant_id,
            "connections": [reading.connection_id for reading in readings],
            **key_binds(reading.key for reading in readings),
            "seen": [reading.seen_at for reading in readings],
        },
    )
    return {(row.connection_id, key_of(row)): read_value(row.value) for row in rows}


async def store_observed(session: AsyncSession, rows: Sequence[ShownReading]) -> None:
    """Store the values read; an older version or an earlier reading never replaces a later one."""
    await _SEE.execute(session, rows)


async def link_changes(session: AsyncSession, baseline_id: UUID, rows: Sequence[LinkedChange]) -> None:
    await _LINK.execute(session, rows, baseline_id=baseline_id)


async def move_on(session: AsyncSession, baseline_id: UUID, counts: Counts, *, cursor: str) -> None:
    added = ", ".join(f"{name} = {name} + :{name}" for name in _COUNTS)
    await session.execute(
        text(f"UPDATE baseline SET after = :cursor, {added} WHERE tenant_id = :t AND id = :b"),
        {
            **{name: getattr(counts, name) for name in _COUNTS},
            "cursor": cursor,
            "t": scope_of(session).tenant_id,
            "b": baseline_id,
        },
    )


async def set_accepted(session: AsyncSession, baseline_id: UUID, *, now: datetime) -> None:
    await session.execute(
        text(
            f"UPDATE baseline SET state = '{BaselineState.ACCEPTED}', finished_at = :now"
            f" WHERE tenant_id = :t AND id = :b AND state IN ({in_sql(BASELINES.before(BaselineState.ACCEPTED))})"
        ),
        {"t": scope_of(session).tenant_id, "b": baseline_id, "now": now},
    )


async def list_parts(session: AsyncSession, baseline_id: UUID, *, role: str) -> list[UUID]:
    """Connections of the baseline with one role: source or channel."""
    found = await session.scalars(
        text("""
            SELECT connection_id FROM baseline_part
             WHERE tenant_id = :t AND baseline_id = :b AND role = :role ORDER BY 1
        """),
        {"t": scope_of(session).tenant_id, "b": baseline_id, "role": role},
    )
    return list(found)
