"""Meter of storage: gigabytes of a client's messages and documents, measured once a day."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.relations import INVOICE_DOCUMENTS
from connectors.relations import SOURCE_EVENTS
from foundation.i18n.localizer import translate
from foundation.marks import N_, NN_
from foundation.relations import USAGE_EVENTS
from foundation.usage.ledger import dated_id
from foundation.usage.meters import Meter, UsageDescription
from governance.permissions import GovernancePermission

_NAME: Final = "storage.day"
_DAY: Final = "date_trunc('day', CAST(:until AS timestamptz), 'UTC')"
# The sums name the day's id, so they are only computed on a day that has no measurement yet.
_HELD: Final = f"""
    SELECT d.id, round(h.bytes / 1000000000, 9) AS quantity, {_DAY} AS occurred_at, CAST(NULL AS uuid) AS subject_id
      FROM (SELECT n.id FROM (SELECT {dated_id(_DAY, f"'{_NAME}'")} AS id) n
             WHERE {_DAY} >= :since AND NOT EXISTS (
                   SELECT 1 FROM {USAGE_EVENTS} u WHERE u.tenant_id = :t AND u.meter = '{_NAME}' AND u.id = n.id)
            OFFSET 0) d,
           LATERAL (SELECT CAST(coalesce((SELECT sum(octet_length(e.body)) FROM {SOURCE_EVENTS} e
                                           WHERE e.tenant_id = :t AND d.id IS NOT NULL), 0)
                              + coalesce((SELECT sum(octet_length(f.file)) FROM {INVOICE_DOCUMENTS} f
                                           WHERE f.tenant_id = :t AND d.id IS NOT NULL), 0) AS numeric) AS bytes) h
     WHERE h.bytes > 0
"""


async def _describe(_: AsyncSession, __: UUID, events: Sequence[UUID]) -> Mapping[UUID, UsageDescription]:
    what = UsageDescription(translate(N_("Messages and documents")), "", "", "/retention")
    return dict.fromkeys(events, what)


STORAGE: Final = Meter(
    name=_NAME,
    unit=NN_("{number} gigabyte-day", "{number} gigabyte-days"),
    label=N_("Storage"),
    permission=GovernancePermission.READ_RETENTION,
    describe=_describe,
    collect=_HELD,
)
