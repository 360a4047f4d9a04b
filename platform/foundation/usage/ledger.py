"""Metering in the transaction of the effect itself, so that what happened and what is billed cannot differ."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import buffer, scope_of


class Usage(NamedTuple):
    """`id` is the id of what was metered: the same use recorded twice is one event."""

    meter: str
    id: UUID
    quantity: int
    occurred_at: datetime


def record_usage(session: AsyncSession, uses: Sequence[Usage]) -> None:
    buffer(session, _insert).extend(uses)


async def _insert(session: AsyncSession, uses: list[Any]) -> None:
    scope = scope_of(session)
    await session.execute(
        text("""
            INSERT INTO usage_event (tenant_id, msp_id, meter, id, quantity, occurred_at)
            SELECT :tenant_id, :msp_id, n.meter, n.id, n.quantity, n.occurred_at
              FROM unnest(CAST(:meters AS varchar[]), CAST(:ids AS uuid[]), CAST(:quantities AS bigint[]),
                          CAST(:times AS timestamptz[])) AS n (meter, id, quantity, occurred_at)
            ON CONFLICT (tenant_id, meter, id) DO NOTHING
        """),
        {
            "tenant_id": scope.tenant_id,
            "msp_id": scope.msp_id,
            "meters": [use.meter for use in uses],
            "ids": [use.id for use in uses],
            "quantities": [use.quantity for use in uses],
            "times": [use.occurred_at for use in uses],
        },
    )
