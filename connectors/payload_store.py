"""Stores payloads read by a baseline, deduplicated under keys that polls do not share."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.webhooks.writer import storable_id
from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from foundation.ids import NewId
from foundation.telemetry.correlation import current_correlation

_PREFIX: Final = "baseline/"
"""A later poll gets the same external ids and must still process them."""


class _Stored(msgspec.Struct, frozen=True, gc=False):
    id: UUID
    dedupe_key: str
    body_hash: str
    body: str


_STORE: Final = BulkWrite(
    {"id": "uuid", "dedupe_key": "varchar", "body_hash": "bytea", "body": "bytea"},
    """
    WITH put AS (
        INSERT INTO source_event_key (tenant_id, msp_id, connection_id, dedupe_key, body_hash, event_id, via)
        SELECT :tenant_id, :msp_id, :connection_id, r.dedupe_key, r.body_hash, r.id, 'baseline'
          FROM {rows} ORDER BY r.place_
        ON CONFLICT DO NOTHING
        RETURNING event_id AS id
    )
    INSERT INTO source_event (tenant_id, msp_id, id, connection_id, dedupe_key, body_hash, body, content_type, via,
                              received_at, correlation)
    SELECT :tenant_id, :msp_id, id, :connection_id, r.dedupe_key, r.body_hash, r.body, 'application/json', 'baseline',
           :now, :correlation FROM {rows} JOIN put USING (id) ORDER BY r.place_
    """,
)


async def store_payloads(
    session: AsyncSession,
    connection_id: UUID,
    payloads: Sequence[tuple[str, bytes]],
    *,
    now: datetime,
    new_id: NewId,
) -> dict[str, UUID]:
    """Store source events by external id, without jobs. A payload stored before maps to the same event."""
    keys = {external_id: _PREFIX + storable_id(external_id) for external_id, _ in payloads}
    rows = [
        _Stored(new_id(), keys[external_id], f"\\x{hashlib.sha256(body).hexdigest()}", f"\\x{body.hex()}")
        for external_id, body in payloads
    ]
    await _STORE.execute(session, rows, connection_id=connection_id, now=now, correlation=current_correlation())
    found = await session.execute(
        text("""
            SELECT dedupe_key, event_id AS id FROM source_event_key
             WHERE tenant_id = :t AND connection_id = :c AND dedupe_key = ANY (:keys)
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "keys": [row.dedupe_key for row in rows]},
    )
    ids = {row.dedupe_key: row.id for row in found}
    return {external_id: ids[key] for external_id, key in keys.items()}
