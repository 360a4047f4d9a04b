"""Meter of active members, each counted once a month."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.marks import N_, NN_
from foundation.usage.ledger import dated_id, subjects_of
from foundation.usage.meters import Meter, UsageDescription
from tenants.permissions import TenantPermission
from tenants.states import AccountStatus

_NAME: Final = "member.active"
_MONTH: Final = "date_trunc('month', CAST(:until AS timestamptz), 'UTC')"
_ACTIVE: Final = f"""
    SELECT {dated_id(_MONTH, "CAST(m.id AS text)")} AS id, 1 AS quantity, CAST(:until AS timestamptz) AS occurred_at,
           m.id AS subject_id
      FROM member m WHERE m.tenant_id = :t AND m.status = '{AccountStatus.ACTIVE}' AND m.partner_id IS NULL
       AND CAST(:until AS timestamptz) >= :since
"""


async def _describe(session: AsyncSession, client_id: UUID, events: Sequence[UUID]) -> Mapping[UUID, UsageDescription]:
    subjects = await subjects_of(session, client_id, _NAME, events)
    rows = await session.execute(
        text("SELECT id, name FROM member WHERE tenant_id = :t AND id = ANY (:ids)"),
        {"t": client_id, "ids": list(subjects.values())},
    )
    found = {row.id: UsageDescription(row.name, "", "", "/members") for row in rows}
    return {event: found[subject] for event, subject in subjects.items() if subject in found}


ACTIVE_MEMBERS: Final = Meter(
    name=_NAME,
    unit=NN_("{number} member", "{number} members"),
    label=N_("Members active in the month"),
    permission=TenantPermission.READ_MEMBERS,
    describe=_describe,
    collect=_ACTIVE,
)
