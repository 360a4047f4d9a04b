"""Meters of verified deliveries, each described by value, record and channel, and of the records that had any."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import read_value
from connectors.relations import CONNECTIONS
from foundation.marks import N_, NN_
from foundation.relations import USAGE_EVENTS
from foundation.usage.ledger import dated_id, subjects_of
from foundation.usage.meters import Meter, UsageDescription
from governance.labels import write_element, write_value
from governance.permissions import GovernancePermission
from policy.redaction import unless_hidden

_NAME: Final = "sync.verified"
_USED: Final = text(f"""
    SELECT u.id, p.change_id, p.record_key, p.element, p.dimension, p.value, n.name
      FROM unnest(CAST(:ids AS uuid[])) AS k (id),
           LATERAL (SELECT u.id, u.subject_id FROM {USAGE_EVENTS} u
                     WHERE u.tenant_id = :t AND u.meter = :meter AND u.id = k.id OFFSET 0) u,
           LATERAL (SELECT * FROM propagation p
                     WHERE p.tenant_id = :t AND p.change_id = u.subject_id AND p.id = u.id OFFSET 0) p
      JOIN {CONNECTIONS} n ON n.tenant_id = :t AND n.id = p.connection_id
""")


async def describe_deliveries(
    session: AsyncSession, client_id: UUID, events: Sequence[UUID]
) -> Mapping[UUID, UsageDescription]:
    """Describe deliveries. Runs in the client's scope or in the scope of its MSP's fleet."""
    rows = await session.execute(_USED, {"t": client_id, "meter": _NAME, "ids": list(events)})
    return {
        row.id: UsageDescription(
            subject=row.record_key,
            what=" ".join(
                (
                    write_element(row.element, row.dimension),
                    write_value(unless_hidden(read_value(row.value), row.element)),
                )
            ),
            where=row.name,
            path=f"/changes/{row.change_id}",
        )
        for row in rows
    }


VERIFIED_DELIVERIES: Final = Meter(
    name=_NAME,
    unit=NN_("{number} delivery", "{number} deliveries"),
    label=N_("Verified updates"),
    permission=GovernancePermission.READ_CHANGES,
    describe=describe_deliveries,
)
_ACTIVE: Final = "record.active"
_MONTH: Final = "date_trunc('month', p.verified_at, 'UTC')"
_RECORDS: Final = f"""
    SELECT {dated_id(_MONTH, "p.record_type || ' ' || p.record_key")} AS id, 1 AS quantity,
           min(p.verified_at) AS occurred_at, CAST(min(CAST(p.id AS text)) AS uuid) AS subject_id
      FROM propagation p
     WHERE p.tenant_id = :t AND p.change_id >= :floor AND p.verified_at >= :since AND p.verified_at < :until
     GROUP BY {_MONTH}, p.record_type, p.record_key
"""


async def _describe_records(
    session: AsyncSession, client_id: UUID, events: Sequence[UUID]
) -> Mapping[UUID, UsageDescription]:
    subjects = await subjects_of(session, client_id, _ACTIVE, events)
    rows = await session.execute(
        text("SELECT id, change_id, record_key FROM propagation WHERE tenant_id = :t AND id = ANY (:ids)"),
        {"t": client_id, "ids": list(subjects.values())},
    )
    found = {row.id: UsageDescription(row.record_key, "", "", f"/changes/{row.change_id}") for row in rows}
    return {event: found[subject] for event, subject in subjects.items() if subject in found}


ACTIVE_RECORDS: Final = Meter(
    name=_ACTIVE,
    unit=NN_("{number} record", "{number} records"),
    label=N_("Records published in the month"),
    permission=GovernancePermission.READ_CHANGES,
    describe=_describe_records,
    collect=_RECORDS,
)
