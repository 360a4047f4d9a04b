"""SQL of records: values and channels."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from governance.records.keys import Key
from governance.records.rows import Channel, ValueRow

_VALUE_COLUMNS: Final = {
    "record_key": "varchar", "element": "varchar", "source_amount": "bigint", "source_currency": "varchar",
    "source_version": "bigint", "source_event_id": "uuid", "amount": "bigint", "currency": "varchar",
    "version": "bigint", "change_id": "uuid", "source_connection_id": "uuid", "source_committed_at": "timestamptz",
}  # fmt: skip
_UPSERT_VALUES = BulkWrite.insert(
    "record_value",
    _VALUE_COLUMNS,
    conflict="ON CONFLICT (tenant_id, record_key, element) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in list(_VALUE_COLUMNS)[2:]),
)


async def load_channels(session: AsyncSession) -> list[Channel]:
    """The client's active channels, in order of creation."""
    rows = await session.execute(
        text("""
            SELECT id, partner_id, name FROM connection
             WHERE tenant_id = :t AND role = 'channel' AND state = 'active' ORDER BY id
        """),
        {"t": scope_of(session).tenant_id},
    )
    return [Channel(*row) for row in rows]


async def load_values(session: AsyncSession, keys: Iterable[Key], *, lock: bool = True) -> dict[Key, ValueRow]:
    """Load the values of `keys`, locked in a fixed order to avoid deadlocks between batches."""
    ordered = sorted(set(keys))
    rows = await session.execute(
        text(f"""
            SELECT v.record_key, v.element, v.source_amount, v.source_currency, v.source_version, v.source_event_id,
                   v.amount, v.currency, v.version, v.change_id, v.source_connection_id, v.source_committed_at
              FROM unnest(CAST(:keys AS varchar[]), CAST(:elements AS varchar[])) AS k (record_key, element),
                   LATERAL (SELECT * FROM record_value v
                             WHERE v.tenant_id = :t AND v.record_key = k.record_key AND v.element = k.element
                            OFFSET 0 {"FOR UPDATE" if lock else ""}) v
        """),
        {
            "t": scope_of(session).tenant_id,
            "keys": [key for key, _ in ordered],
            "elements": [element for _, element in ordered],
        },
    )
    return {(row.record_key, row.element): ValueRow(*row) for row in rows}


async def save_values(session: AsyncSession, rows: Sequence[ValueRow]) -> None:
    await _UPSERT_VALUES.execute(session, rows)
