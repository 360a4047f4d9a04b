"""Meter of exceptions that were handled."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.i18n.localizer import translate
from foundation.marks import N_, NN_
from foundation.usage.meters import Meter, UsageDescription
from governance.exception_types import find_type
from governance.permissions import GovernancePermission

_HANDLED: Final = """
    SELECT e.id, 1 AS quantity, e.closed_at AS occurred_at, e.id AS subject_id FROM governance_exception e
     WHERE e.tenant_id = :t AND e.id >= :floor AND e.closed_at >= :since AND e.closed_at < :until
"""


async def _describe(session: AsyncSession, client_id: UUID, events: Sequence[UUID]) -> Mapping[UUID, UsageDescription]:
    rows = await session.execute(
        text("SELECT id, code, record_key FROM governance_exception WHERE tenant_id = :t AND id = ANY (:ids)"),
        {"t": client_id, "ids": list(events)},
    )
    found = {}
    for row in rows:
        label = translate(known.label) if (known := find_type(row.code)) is not None else row.code
        what = label if row.record_key else ""
        found[row.id] = UsageDescription(row.record_key or label, what, "", f"/exceptions/{row.id}")
    return found


HANDLED_EXCEPTIONS: Final = Meter(
    name="exception.handled",
    unit=NN_("{number} exception", "{number} exceptions"),
    label=N_("Handled exceptions"),
    permission=GovernancePermission.READ_EXCEPTIONS,
    describe=_describe,
    collect=_HANDLED,
)
