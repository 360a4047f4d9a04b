"""A tenant's share of the workers: its pool, weight and cap, and whether its lanes are suspended."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.jobs.models import LaneShare


async def put_lane_share(session: AsyncSession, **values: Any) -> None:
    """Set `values` of the share of the scope's tenant; without any, create the default share if there is none."""
    scope = scope_of(session)
    statement = insert(LaneShare).values(tenant_id=scope.tenant_id, msp_id=scope.msp_id, **values)
    if values:
        await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id"], set_=values))
    else:
        await session.execute(statement.on_conflict_do_nothing())
