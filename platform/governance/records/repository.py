"""SQL of records: values and channels."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from connectors.ports import Connector
from connectors.relations import CONNECTIONS
from connectors.states import ConnectionState
from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from governance.records.account_time import month_start
from governance.records.keys import KEY_COLUMNS, KEY_SET, KEY_TYPES, key_binds, same_key, sorted_keys
from governance.records.rows import Channel, ValueRow
from governance.records.values import row_reader

_VALUE_COLUMNS: Final = {
    **KEY_TYPES, "source_value": "jsonb", "source_version": "bigint", "source_event_id": "uuid", "value": "jsonb",
    "version": "bigint", "change_id": "uuid", "source_connection_id": "uuid", "source_committed_at": "timestamptz",
}  # fmt: skip
_UPSERT_VALUES: Final = BulkWrite(
    _VALUE_COLUMNS | {"first_value": "jsonb"},
    f"""
    INSERT INTO record_value AS v (tenant_id, msp_id, {", ".join(_VALUE_COLUMNS)}, month_value, adopted_at,
                                   received_at)
    SELECT :tenant_id, :msp_id, {", ".join(f"r.{name}" for name in _VALUE_COLUMNS)}, r.first_value, :now, :now
      FROM {{rows}} ORDER BY r.place_
    ON CONFLICT (tenant_id, {KEY_COLUMNS}) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in _VALUE_COLUMNS if name not in KEY_TYPES)},
        month_value = CASE WHEN v.value IS NOT DISTINCT FROM excluded.value THEN v.month_value
                           WHEN v.adopted_at < :month THEN coalesce(v.value, excluded.month_value)
                           ELSE coalesce(v.month_value, excluded.month_value) END,
        adopted_at = CASE WHEN v.value IS NOT DISTINCT FROM excluded.value THEN v.adopted_at
                          ELSE excluded.adopted_at END
    """,
)
"""Sets the value at the start of the month without reading first: the replaced value, if adopted before the month."""
_LOADED: Final = tuple(name for name in ValueRow.__struct_fields__ if name != "first_value")
_READ_VALUE: Final = row_reader(ValueRow, fields=len(_LOADED))


async def load_channels(
    session: AsyncSession, registry: Mapping[str, Connector], *, drafts: bool = False
) -> list[Channel]:
    """The client's active channels, in order of creation; with `drafts` also those to be activated later."""
    states = [ConnectionState.ACTIVE, ConnectionState.DRAFT] if drafts else [ConnectionState.ACTIVE]
    rows = await session.execute(
        text(f"""
            SELECT id, partner_id, name, kind, jurisdiction,
                   ARRAY(SELECT o.id FROM {CONNECTIONS} o
                          WHERE o.tenant_id = n.tenant_id AND o.environment <> n.environment) AS other_environment
              FROM {CONNECTIONS} n
             WHERE tenant_id = :t AND cardinality(writes) > 0 AND state = ANY (:states) ORDER BY id
        """),
        {"t": scope_of(session).tenant_id, "states": states},
    )
    return [
        Channel(
            row.id,
            row.partner_id,
            row.name,
            registry[row.kind].manifest.writes,
            row.kind,
            row.jurisdiction,
            frozenset(row.other_environment),
        )
        for row in rows
        if row.kind in registry
    ]


async def load_values(
    session: AsyncSession, keys: Iterable[ElementKey], *, lock: bool = True
) -> dict[ElementKey, ValueRow]:
    """Load the values of `keys`, locked in a fixed order to avoid deadlocks between batches."""
    rows = await session.execute(
        text(f"""
            SELECT {", ".join(f"v.{name}" for name in _LOADED)}
              FROM {KEY_SET},
                   LATERAL (SELECT * FROM record_value v WHERE v.tenant_id = :t AND {same_key("v", "k")}
                            OFFSET 0 {"FOR UPDATE" if lock else ""}) v
        """),
        {"t": scope_of(session).tenant_id, **key_binds(sorted_keys(keys))},
    )
    return {row.key: row for row in map(_READ_VALUE, rows)}


async def is_record_known(session: AsyncSession, key: ElementKey) -> bool:
    """Whether the record of `key` has a value of any element, or a title."""
    found = await session.execute(
        text("""
            SELECT EXISTS (SELECT FROM record_value WHERE tenant_id = :t AND record_key = :key AND record_type = :type)
                OR EXISTS (SELECT FROM record_title WHERE tenant_id = :t AND record_key = :key AND record_type = :type)
        """),
        {"t": scope_of(session).tenant_id, "key": key.record_key, "type": key.record_type},
    )
    return bool(found.scalar_one())


async def save_values(session: AsyncSession, rows: Sequence[ValueRow], *, now: datetime, zone: tzinfo) -> None:
    """Insert or update the values. `zone`: the client's, in which its months begin."""
    await _UPSERT_VALUES.execute(session, rows, now=now, month=month_start(now, zone))
