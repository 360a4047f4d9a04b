"""SQL of translation: the source events of a batch, and the messages that no room reads."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of

MANY: Final = 10_000
"""Unclaimed messages are counted up to here."""


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """A source event with its connection's connector kind. `is_deleted`: the connection is deleted, so nothing is
    translated.
    """

    id: UUID
    connection_id: UUID
    kind: str
    body: bytes
    correlation: str
    received_at: datetime
    via: str
    is_deleted: bool


class UnclaimedRow(msgspec.Struct, frozen=True):
    """See `connectors.translation.models.UnclaimedMessage`."""

    event_id: UUID
    message_type: str
    connection_id: UUID
    reference: str
    message_count: int
    received_at: datetime


_COLUMNS: Final = {
    "event_id": "uuid", "message_type": "varchar", "connection_id": "uuid", "reference": "varchar",
    "message_count": "integer", "received_at": "timestamptz",
}  # fmt: skip
_INSERT_UNCLAIMED: Final = BulkWrite.insert(
    "unclaimed_message", _COLUMNS,
    conflict="""
        ON CONFLICT (tenant_id, event_id, message_type) DO UPDATE SET
            reference = excluded.reference, message_count = excluded.message_count
    """,
)  # fmt: skip


async def load_events(session: AsyncSession, ids: Sequence[UUID | None], *, most_bytes: int) -> dict[UUID, EventRow]:
    """Load the first of `ids` whose bodies fit into `most_bytes` together; at least one."""
    rows = await session.execute(
        text("""
            SELECT e.id, e.connection_id, c.kind, e.body, e.correlation, e.received_at, e.via,
                   c.state = 'deleted'
              FROM (SELECT e.*, sum(octet_length(e.body)) OVER (ORDER BY k.place) - octet_length(e.body) AS before
                      FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS k (id, place),
                           LATERAL (SELECT * FROM source_event e
                                     WHERE e.tenant_id = :t AND e.id = k.id OFFSET 0) e) e
              JOIN connection c ON c.tenant_id = :t AND c.id = e.connection_id
             WHERE e.before < :most_bytes
        """),
        {"t": scope_of(session).tenant_id, "ids": list(ids), "most_bytes": most_bytes},
    )
    return {row.id: EventRow(*row) for row in rows}


async def store_unclaimed(session: AsyncSession, rows: Sequence[UnclaimedRow]) -> None:
    """Store unclaimed messages in key order, so that concurrent transactions lock them in the same order."""
    await _INSERT_UNCLAIMED.execute(session, sorted(rows, key=lambda row: (row.event_id, row.message_type)))


async def remove_unclaimed(session: AsyncSession, keys: Collection[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """Delete the unclaimed messages of these events and types, locked in key order. Returns the keys found."""
    if not keys:
        return set()
    wanted = sorted(keys)
    rows = await session.execute(
        text("""
            WITH locked AS MATERIALIZED (
                SELECT u.event_id, u.message_type
                  FROM unnest(CAST(:events AS uuid[]), CAST(:types AS varchar[])) AS k (event_id, message_type)
                  JOIN unclaimed_message u USING (event_id, message_type)
                 WHERE u.tenant_id = :t ORDER BY u.event_id, u.message_type FOR UPDATE OF u)
            DELETE FROM unclaimed_message u USING locked k
             WHERE u.tenant_id = :t AND u.event_id = k.event_id AND u.message_type = k.message_type
            RETURNING u.event_id, u.message_type
        """),
        {
            "t": scope_of(session).tenant_id,
            "events": [event_id for event_id, _ in wanted],
            "types": [message_type for _, message_type in wanted],
        },
    )
    return {(row.event_id, row.message_type) for row in rows}


async def count_unclaimed(session: AsyncSession, connection_id: UUID, message_type: str) -> int:
    """Number of unclaimed messages of one connection and type, in events counted up to `MANY`."""
    found = await session.scalar(
        text("""
            SELECT coalesce(sum(k.message_count), 0)
              FROM (SELECT message_count FROM unclaimed_message
                     WHERE tenant_id = :t AND connection_id = :c AND message_type = :type LIMIT :many) k
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "type": message_type, "many": MANY},
    )
    return int(found or 0)
