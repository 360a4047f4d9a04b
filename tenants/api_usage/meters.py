"""Meter of calls to the API."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.marks import N_, NN_
from foundation.usage.ledger import dated_id, subjects_of
from foundation.usage.meters import Meter, UsageDescription
from tenants.permissions import TenantPermission

_NAME: Final = "api.call"
_CALLS: Final = f"""
    SELECT {dated_id("a.hour", "CAST(a.key_id AS text)")} AS id, a.calls AS quantity, a.hour AS occurred_at,
           a.key_id AS subject_id
      FROM api_call_hour a WHERE a.tenant_id = :t AND a.hour >= :since AND a.hour < :until
"""


async def _describe(session: AsyncSession, client_id: UUID, events: Sequence[UUID]) -> Mapping[UUID, UsageDescription]:
    subjects = await subjects_of(session, client_id, _NAME, events)
    rows = await session.execute(
        text("SELECT id, name FROM api_key WHERE tenant_id = :t AND id = ANY (:ids)"),
        {"t": client_id, "ids": list(subjects.values())},
    )
    found = {row.id: UsageDescription(row.name, "", "", "/api-keys") for row in rows}
    return {event: found[subject] for event, subject in subjects.items() if subject in found}


API_CALLS: Final = Meter(
    name=_NAME,
    unit=NN_("{number} call", "{number} calls"),
    label=N_("Calls to the API"),
    permission=TenantPermission.READ_API_KEYS,
    describe=_describe,
    collect=_CALLS,
)
