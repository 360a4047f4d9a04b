"""Layouts of dashboards: loading, saving, and return to the default."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.dashboard_tiles import TileArea
from foundation.database.engine import Database, scope_of
from foundation.errors import InvalidInput
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from foundation.scope import Scope
from governance.dashboards.audit_actions import DashboardAction
from governance.dashboards.job_types import COPY_DEFAULT, COPY_LANE
from governance.dashboards.models import DashboardLayout
from governance.dashboards.schemas import MOST_TILES, TileChoice

_UNKNOWN: Final = N_("There is no tile {code} that you may see here.")


async def load_layouts(
    session: AsyncSession, area: TileArea, owners: Sequence[UUID]
) -> Mapping[UUID, Sequence[TileChoice]]:
    """Stored layouts of the scope's account, by owner."""
    found = await session.execute(
        select(DashboardLayout.owner_id, DashboardLayout.tiles).where(
            DashboardLayout.tenant_id == scope_of(session).tenant_id,
            DashboardLayout.area == area,
            DashboardLayout.owner_id.in_(owners),
        )
    )
    return {owner: msgspec.convert(tiles, list[TileChoice]) for owner, tiles in found}


async def save_layout(  # noqa: PLR0913 - keyword-only
    session: AsyncSession,
    owner_id: UUID,
    area: TileArea,
    tiles: Sequence[TileChoice],
    *,
    allowed: Collection[str],
    now: datetime,
) -> None:
    """Store a layout in the scope's account. `owner_id` as in `DashboardLayout`.

    Raises:
        InvalidInput: a tile is not among those `allowed`, is there twice, or there are too many.
    """
    codes = [tile.code for tile in tiles]
    for code in codes:
        if code not in allowed:
            raise InvalidInput(_UNKNOWN, params={"code": code}, field="tiles")
    if len(set(codes)) < len(codes):
        raise InvalidInput(N_("A dashboard has each tile once."), field="tiles")
    if len(codes) > MOST_TILES:
        raise InvalidInput(N_("A dashboard has at most {most} tiles."), params={"most": MOST_TILES}, field="tiles")
    scope = scope_of(session)
    values = {"tiles": msgspec.to_builtins(list(tiles)), "changed_at": now, "changed_by": scope.actor.name}
    own = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "owner_id": owner_id, "area": str(area)}
    statement = insert(DashboardLayout).values(**own, **values)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["tenant_id", "owner_id", "area"], set_=values)
    )
    _note(session, owner_id, area, DashboardAction.DEFAULT_SET, {"tiles": codes, "at": now})


async def reset_layout(session: AsyncSession, owner_id: UUID, area: TileArea, *, now: datetime) -> None:
    """Delete a stored layout, so that the next default applies. Without one, nothing happens."""
    done = await session.execute(
        delete(DashboardLayout)
        .where(
            DashboardLayout.tenant_id == scope_of(session).tenant_id,
            DashboardLayout.owner_id == owner_id,
            DashboardLayout.area == str(area),
        )
        .returning(DashboardLayout.area)
    )
    if done.one_or_none() is not None:
        _note(session, owner_id, area, DashboardAction.DEFAULT_REMOVED, {"tiles": [], "at": now})


def _note(
    session: AsyncSession, owner_id: UUID, area: TileArea, action: DashboardAction, data: Mapping[str, Any]
) -> None:
    """Audit a change of a default, and enqueue the copy of the default for clients."""
    scope = scope_of(session)
    if owner_id != scope.tenant_id:
        return
    append_audit(session, action=action, subject=f"dashboard:{area}", data={"tiles": data["tiles"]}, at=data["at"])
    if scope.tenant_id == scope.msp_id and area is TileArea.CLIENT:
        enqueue(session, [NewJob(COPY_LANE, COPY_DEFAULT, key="default")])


async def read_msp_default(db: Database, scope: Scope) -> Sequence[TileChoice] | None:
    """The default that the MSP of `scope` gives its clients, in a transaction of its own: it belongs to its account."""
    async with db.transaction(Scope(scope.msp_id, scope.msp_id, scope.actor)) as session:
        return (await load_layouts(session, TileArea.CLIENT, [scope.msp_id])).get(scope.msp_id)


async def copy_msp_default(session: AsyncSession, tiles: Sequence[TileChoice] | None, *, now: datetime) -> None:
    """Store the MSP's default in the scope's client, or remove the copy of an earlier one."""
    msp_id = scope_of(session).msp_id
    if tiles is None:
        await reset_layout(session, msp_id, TileArea.CLIENT, now=now)
        return
    codes = {tile.code for tile in tiles}
    await save_layout(session, msp_id, TileArea.CLIENT, tiles, allowed=codes, now=now)
