"""Metering in the transaction of the effect itself, so that what happened and what is billed cannot differ."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.bulk import BulkWrite
from foundation.database.engine import buffer

_INSERT: Final = BulkWrite.insert(
    "usage_event",
    {"meter": "varchar", "id": "uuid", "quantity": "bigint", "occurred_at": "timestamptz", "about": "uuid"},
    conflict="ON CONFLICT (tenant_id, meter, id) DO NOTHING",
)


class Usage(NamedTuple):
    """`id` is the id of what was metered: the same use recorded twice is one event. `about`: see `UsageEvent`."""

    meter: str
    id: UUID
    quantity: int
    occurred_at: datetime
    about: UUID | None = None


class _Row(msgspec.Struct, frozen=True, gc=False):
    meter: str
    id: UUID
    quantity: int
    occurred_at: datetime
    about: UUID | None


def record_usage(session: AsyncSession, uses: Sequence[Usage]) -> None:
    buffer(session, _insert).extend(uses)


async def _insert(session: AsyncSession, uses: list[Any]) -> None:
    await _INSERT.execute(session, [_Row(*use) for use in uses])
