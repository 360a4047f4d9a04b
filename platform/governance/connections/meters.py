"""Meter of active connections, each counted once a day."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import CONNECTIONS
from connectors.states import ConnectionState
from foundation.marks import N_, NN_
from foundation.usage.ledger import dated_id, subjects_of
from foundation.usage.meters import Meter, UsageDescription
from governance.permissions import GovernancePermission

_NAME: Final = "connection.day"
_DAY: Final = "date_trunc('day', CAST(:until AS timestamptz), 'UTC')"
_ACTIVE: Final = f"""
    SELECT {dated_id(_DAY, "CAST(n.id AS text)")} AS id, 1 AS quantity, {_DAY} AS occurred_at, n.id AS subject_id
      FROM {CONNECTIONS} n WHERE n.tenant_id = :t AND n.state = '{ConnectionState.ACTIVE}' AND {_DAY} >= :since
"""


async def _describe(session: AsyncSession, client_id: UUID, events: Sequence[UUID]) -> Mapping[UUID, UsageDescription]:
    subjects = await subjects_of(session, client_id, _NAME, events)
    rows = await session.execute(
        text(f"SELECT n.id, n.name FROM {CONNECTIONS} n WHERE n.tenant_id = :t AND n.id = ANY (:ids)"),
        {"t": client_id, "ids": list(subjects.values())},
    )
    found = {row.id: UsageDescription(row.name, "", "", f"/connections/{row.id}") for row in rows}
    return {event: found[subject] for event, subject in subjects.items() if subject in found}


ACTIVE_CONNECTIONS: Final = Meter(
    name=_NAME,
    unit=NN_("{number} connection-day", "{number} connection-days"),
    label=N_("Active connections"),
    permission=GovernancePermission.READ_CONNECTIONS,
    describe=_describe,
    collect=_ACTIVE,
)
