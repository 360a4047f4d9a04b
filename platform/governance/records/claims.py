"""SQL of key claims: which record of a source holds which key, to detect two records under one key."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import PRODUCT
from canonical.money import LARGEST
from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from governance.exception_types import ExceptionType


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A record's key as last reported by its source. `source_event_id` is the message with the report."""

    source_id: str
    record_key: str
    version: int
    source_event_id: UUID


_CLAIM: Final = BulkWrite(
    {"source_id": "varchar", "record_key": "varchar", "version": "bigint", "source_event_id": "uuid"},
    """
    INSERT INTO source_record (tenant_id, msp_id, connection_id, record_type, source_id, record_key, version,
                               source_event_id)
    SELECT :tenant_id, :msp_id, :connection_id, :record_type, r.source_id, r.record_key, r.version, r.source_event_id
      FROM {rows} ORDER BY r.source_id
    ON CONFLICT (tenant_id, connection_id, source_id, record_type) DO UPDATE SET record_key = excluded.record_key,
        version = excluded.version, source_event_id = excluded.source_event_id
    WHERE source_record.version <= excluded.version OR source_record.version > :latest
    """,
)


async def put_claims(
    session: AsyncSession,
    connection_id: UUID,
    claims: Sequence[Claim],
    *,
    latest: int = LARGEST,
    record_type: str = PRODUCT,
) -> set[str]:
    """Store claims. Returns the previous keys of these records; a new key frees the old one.

    `latest`: a stored version above this limit is invalid and is replaced.
    """
    before = await keys_of(session, connection_id, [claim.source_id for claim in claims], record_type=record_type)
    await _CLAIM.execute(session, claims, connection_id=connection_id, latest=latest, record_type=record_type)
    return set(before.values())


async def keys_of(
    session: AsyncSession, connection_id: UUID, source_ids: Iterable[str], *, record_type: str = PRODUCT
) -> dict[str, str]:
    """The key of each of these records, as last reported by the source."""
    rows = await session.execute(
        text("""
            SELECT source_id, record_key FROM source_record
             WHERE tenant_id = :t AND connection_id = :c AND source_id = ANY (:ids) AND record_type = :type
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "ids": sorted(source_ids), "type": record_type},
    )
    return {row.source_id: row.record_key for row in rows}


async def load_claims(
    session: AsyncSession, connection_id: UUID, keys: Iterable[str], *, record_type: str = PRODUCT
) -> dict[str, list[Claim]]:
    """Current claims of each of `keys`, ordered by the source's record id."""
    rows = await session.execute(
        text("""
            SELECT source_id, record_key, version, source_event_id FROM source_record
             WHERE tenant_id = :t AND connection_id = :c AND record_key = ANY (:keys) AND record_type = :type
             ORDER BY source_id
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "keys": sorted(keys), "type": record_type},
    )
    found: dict[str, list[Claim]] = {}
    for row in rows:
        found.setdefault(row.record_key, []).append(Claim(*row))
    return found


async def drop_other_claims(
    session: AsyncSession, connection_id: UUID, record_key: str, *, keep: UUID, record_type: str = PRODUCT
) -> None:
    """Remove the claims of the key by other records than that of message `keep`; they can claim it again later."""
    await session.execute(
        text("""
            DELETE FROM source_record WHERE tenant_id = :t AND connection_id = :c AND record_key = :key
               AND source_event_id <> :keep AND record_type = :type
        """),
        {
            "t": scope_of(session).tenant_id,
            "c": connection_id,
            "key": record_key,
            "keep": keep,
            "type": record_type,
        },
    )


async def is_key_shared(session: AsyncSession, record_key: str, *, record_type: str = PRODUCT) -> bool:
    """Whether an exception is open about two records claiming this key."""
    found = text("""
        SELECT EXISTS (SELECT 1 FROM governance_exception
                        WHERE tenant_id = :t AND record_key = :key AND state = 'open' AND code = :code
                          AND record_type = :type)
    """)
    keys = {
        "t": scope_of(session).tenant_id,
        "key": record_key,
        "code": ExceptionType.SOURCE_DUPLICATE_KEY,
        "type": record_type,
    }
    return bool(await session.scalar(found, keys))
