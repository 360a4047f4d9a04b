"""Observations of keys without a contract: held, and ingested once a contract for them is published.

Observations of a new client are held until its baseline is accepted, with or without a contract (`value_hold`).

Only the newest of each record and element is held; its source event has the original bytes. Observations of a
connection that the contract does not name are held for a corrected contract, as long as their message is stored; newer
ones of the connection replace them. Observations of a connection that is not the source open an exception, and are
ingested when the connection becomes the source.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from connectors.relations import SOURCE_EVENTS
from connectors.translation.job_type import TRANSLATE, ingest_lane
from foundation.audit.chain import append_audit
from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from governance.audit_actions import ExceptionAction
from governance.elements.declarations import is_retired
from governance.elements.repository import lock_contracts
from governance.elements.rows import Observed
from governance.elements.selection import is_contract_of
from governance.elements.value_hold import IS_HOLDING, release_job
from governance.exception_types import ExceptionType
from governance.services import GovernanceServices

_BATCH: Final = 500
_CODES: Final = {"missing": ExceptionType.CONTRACT_MISSING, "other": ExceptionType.CHANNEL_DRIFT}


class _Row(msgspec.Struct, frozen=True, gc=False):
    connection_id: UUID
    record_key: str
    element: str
    dimension: str
    record_type: str
    source_event_id: UUID
    source_version: int


_HOLD: Final = BulkWrite(
    {
        "connection_id": "uuid", "record_key": "varchar", "element": "varchar", "dimension": "varchar",
        "record_type": "varchar", "source_event_id": "uuid", "source_version": "bigint",
    },
    """
    INSERT INTO held_observation (tenant_id, msp_id, connection_id, record_key, element, dimension, record_type,
                                  source_event_id, source_version, held_at)
    SELECT :tenant_id, :msp_id, r.connection_id, r.record_key, r.element, r.dimension, r.record_type,
           r.source_event_id, r.source_version, :now
      FROM {rows} ORDER BY r.connection_id, r.element, r.record_key, r.dimension, r.record_type
    ON CONFLICT (tenant_id, connection_id, element, record_key, dimension, record_type) DO UPDATE SET
        source_event_id = excluded.source_event_id, source_version = excluded.source_version, held_at = excluded.held_at
     WHERE held_observation.source_version <= excluded.source_version
    """,
)  # fmt: skip
_REPLACE: Final = BulkWrite(
    {
        "connection_id": "uuid", "record_key": "varchar", "element": "varchar", "dimension": "varchar",
        "record_type": "varchar", "source_event_id": "uuid", "source_version": "bigint",
    },
    """
    UPDATE held_observation h SET source_event_id = r.source_event_id, source_version = r.source_version, held_at = :now
      FROM {rows} WHERE h.tenant_id = :tenant_id AND h.msp_id = :msp_id AND h.connection_id = r.connection_id
       AND h.element = r.element AND h.record_key = r.record_key AND h.dimension = r.dimension
       AND h.record_type = r.record_type AND h.source_version <= r.source_version
    """,
)  # fmt: skip
_RELEASE: Final = text(f"""
    WITH due AS (
        SELECT h.connection_id, h.element, h.record_key, h.dimension, h.record_type
          FROM held_observation h JOIN element_contract k ON k.tenant_id = :t AND {is_contract_of("k", "h")}
           AND k.source_connection_id = h.connection_id AND NOT {is_retired("k")}
         WHERE h.tenant_id = :t AND NOT {IS_HOLDING}
         ORDER BY h.connection_id, h.element, h.record_key, h.dimension, h.record_type
         LIMIT :batch FOR UPDATE OF h
    )
    DELETE FROM held_observation h USING due
     WHERE h.tenant_id = :t AND h.connection_id = due.connection_id AND h.element = due.element
       AND h.record_key = due.record_key AND h.dimension = due.dimension AND h.record_type = due.record_type
    RETURNING h.connection_id, h.source_event_id,
              EXISTS (SELECT 1 FROM {SOURCE_EVENTS} s WHERE s.tenant_id = :t AND s.id = h.source_event_id) AS own
""")
_IS_SOURCE: Final = f"""
    EXISTS (SELECT 1 FROM element_contract k WHERE k.tenant_id = :t AND {is_contract_of("k", "e")}
               AND k.source_connection_id = e.connection_id)
"""
_TAKEN: Final = f"""
    (e.code = :missing AND EXISTS (SELECT 1 FROM element_contract k WHERE k.tenant_id = :t AND k.element = e.element)
       AND NOT EXISTS (SELECT 1 FROM held_observation h
                        WHERE h.tenant_id = :t AND h.connection_id = e.connection_id AND h.element = e.element
                          AND NOT EXISTS (SELECT 1 FROM element_contract k
                                           WHERE k.tenant_id = :t AND {is_contract_of("k", "h")}))
     OR e.code = :other AND {_IS_SOURCE})
"""
"""As SQL: no observation behind exception `e` waits for a contract any more, or its connection is now the source."""
_RESOLVE: Final = text(f"""
    WITH due AS (
        SELECT e.id, {_IS_SOURCE} AS own
          FROM governance_exception e
         WHERE e.tenant_id = :t AND e.state = 'open' AND {_TAKEN}
         ORDER BY e.code, e.subject LIMIT :batch FOR UPDATE OF e
    )
    UPDATE governance_exception e SET state = 'resolved', closed_at = :now, closed_by = 'corrected'
      FROM due WHERE e.tenant_id = :t AND e.id = due.id
    RETURNING e.connection_id, e.source_event_id, due.own, e.subject, e.code
""")
_WAITS: Final = text(f"""
    SELECT EXISTS (SELECT 1 FROM held_observation h
                     JOIN element_contract k ON k.tenant_id = :t AND {is_contract_of("k", "h")}
                      AND k.source_connection_id = h.connection_id AND NOT {is_retired("k")}
                    WHERE h.tenant_id = :t AND NOT {IS_HOLDING})
        OR EXISTS (SELECT 1 FROM governance_exception e
                    WHERE e.tenant_id = :t AND e.state = 'open' AND {_TAKEN})
""")


async def hold_observations(session: AsyncSession, items: Sequence[Observed], *, now: datetime) -> None:
    await _HOLD.execute(session, _newest(items), now=now)


async def replace_held(session: AsyncSession, items: Sequence[Observed], *, now: datetime) -> None:
    """Replace held observations by newer ones of the same connection. Holds nothing new."""
    await _REPLACE.execute(session, _newest(items), now=now)


def _newest(items: Sequence[Observed]) -> list[_Row]:
    newest: dict[tuple[UUID, ElementKey], Observed] = {}
    for item in items:
        seen = item.observation
        key = (item.connection_id, seen.key)
        known = newest.get(key)
        if known is None or known.observation.source_version <= seen.source_version:
            newest[key] = item
    return [
        _Row(connection_id, *key, newest[connection_id, key].source_event_id,
             newest[connection_id, key].observation.source_version)
        for connection_id, key in sorted(newest)
    ]  # fmt: skip


async def schedule_release(session: AsyncSession) -> None:
    """Enqueue the release of held observations that a contract selects by now, if there are any."""
    if await session.scalar(_WAITS, {"t": scope_of(session).tenant_id, **_CODES}):
        enqueue(session, [release_job()])


def release_held_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def release(batch: Batch[NoPayload]) -> None:
        async with batch.commit() as session:
            if await release_held(session, now=services.clock()):
                enqueue(session, [release_job()])

    return release


async def release_held(session: AsyncSession, *, now: datetime) -> bool:
    """Ingest held observations that their source's contract selects. Returns whether there may be more.

    The lock waits for a batch that still holds observations, because it began before the hold ended.
    """
    await lock_contracts(session)
    tenant = {"t": scope_of(session).tenant_id, "batch": _BATCH}
    released = (await session.execute(_RELEASE, tenant)).all()
    resolved = (await session.execute(_RESOLVE, {**tenant, **_CODES, "now": now})).all()
    for row in resolved:
        append_audit(
            session,
            action=ExceptionAction.EXCEPTION_CORRECTED,
            subject=f"exception:{row.subject}",
            data={"code": row.code},
            at=now,
        )
    events = {
        (row.source_event_id, row.connection_id)
        for row in [*released, *resolved]
        if row.own and row.source_event_id is not None
    }
    enqueue(
        session,
        [
            NewJob(ingest_lane(connection_id), TRANSLATE, str(connection_id), ref=event_id)
            for event_id, connection_id in sorted(events)
        ],
    )
    return _BATCH in (len(released), len(resolved))
