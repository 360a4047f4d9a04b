"""Metering in the transaction of the effect itself, so that billed usage cannot differ from the effects."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.bulk import BulkWrite
from foundation.database.engine import buffer

_INSERT: Final = BulkWrite.insert(
    "usage_event",
    {"meter": "varchar", "id": "uuid", "quantity": "numeric", "occurred_at": "timestamptz", "subject_id": "uuid"},
    conflict="ON CONFLICT (tenant_id, meter, id) DO NOTHING",
)


class Usage(NamedTuple):
    """A usage event to record. `id` is the id of the metered object: recording it twice is one event. `subject_id`: see
    `UsageEvent`. A negative quantity takes back one that was recorded before.
    """

    meter: str
    id: UUID
    quantity: int | Decimal
    occurred_at: datetime
    subject_id: UUID | None = None


class _Row(msgspec.Struct, frozen=True, gc=False):
    meter: str
    id: UUID
    quantity: int | Decimal
    occurred_at: datetime
    subject_id: UUID | None


def record_usage(session: AsyncSession, uses: Sequence[Usage]) -> None:
    buffer(session, _insert).extend(uses)


async def _insert(session: AsyncSession, uses: list[Any]) -> None:
    await _INSERT.execute(session, [_Row(*use) for use in uses])
