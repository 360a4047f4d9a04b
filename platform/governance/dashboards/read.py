"""The dashboard of a reader: its layout, and the figures of its tiles."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import structlog

from foundation.dashboard_tiles import Tile, TileArea, TileReader, TileSize
from foundation.database.savepoint import savepoint
from foundation.errors import NotFound
from foundation.i18n.localizer import translate
from foundation.rooms import Rooms
from governance.dashboards.defaults import role_layout
from governance.dashboards.layouts import load_layouts
from governance.dashboards.schemas import (
    NO_DATA,
    DashboardView,
    LayoutView,
    Source,
    TileChoice,
    TileOption,
    TileView,
    Whose,
)
from tenants.access import Access
from tenants.roles import leading_roles

REFRESHED: Final = timedelta(seconds=60)
"""Time after which the page reads its tiles again."""
_log = structlog.get_logger(__name__)


def area_of(access: Access) -> TileArea:
    return TileArea.MSP if access.client is None else TileArea.CLIENT


def visible_tiles(rooms: Rooms, access: Access, area: TileArea) -> Mapping[str, Tile]:
    """The tiles that the reader may see, by code."""
    every = rooms.every(lambda room: room.tiles)
    return {tile.code: tile for tile in every if tile.area is area and access.may(tile.permission)}


async def load_layout(rooms: Rooms, access: Access, whose: Whose = "me") -> LayoutView:
    """The layout to show, or to edit for `whose`. The layout of staff is in the MSP account, for all clients together;
    the default of an account is in that account. The scope at the end is that of the account in the address.

    Raises NotFound: members of trading partners have no dashboard.
    """
    if access.principal.partner_id is not None:
        raise NotFound
    area = TileArea.CLIENT if whose == "clients" else area_of(access)
    known = visible_tiles(rooms, access, area)
    source, tiles = await _choose(access, area, whose)
    options = [TileOption(one.code, translate(one.label), translate(one.about), one.kind) for one in known.values()]
    return LayoutView([tile for tile in tiles if tile.code in known], source, options)


async def _choose(access: Access, area: TileArea, whose: Whose) -> tuple[Source, Sequence[TileChoice]]:
    who, session = access.principal, access.session
    is_guest = who.is_staff and access.client is not None and whose == "me"
    if is_guest:
        await access.enter_home()
    account = who.tenant_id if is_guest or access.client is None else access.client.tenant_id
    found = await load_layouts(session, area, [who.id, account, who.msp_id])
    if is_guest and access.client is not None:
        await access.enter_account(access.client.tenant_id)
    if whose == "me" and who.kind == "member" and who.id in found:
        return "me", found[who.id]
    if account in found and not is_guest:
        return "account", found[account]
    if who.msp_id in found and not is_guest:
        return "msp", found[who.msp_id]
    return "role", role_layout(area, leading_roles(access.index, who.roles))


async def load_dashboard(rooms: Rooms, access: Access) -> DashboardView:
    """The reader's dashboard with its figures. Tiles of the fleet are read last, in its scope."""
    layout = await load_layout(rooms, access)
    known = visible_tiles(rooms, access, area_of(access))
    reader = TileReader(access.session, access.now)
    views: dict[str, TileView] = {}
    for in_fleet in (False, True):
        chosen = [tile for tile in layout.tiles if known[tile.code].fleet is in_fleet]
        if in_fleet and chosen:
            await access.enter_fleet()
        for choice in chosen:
            views[choice.code] = await _read(reader, known[choice.code], choice)
    return DashboardView([views[tile.code] for tile in layout.tiles], layout.source)


async def _read(reader: TileReader, tile: Tile, choice: TileChoice) -> TileView:
    """Read a tile's figures. After an error the tile is shown as failed, and the others are read."""
    data, failed = NO_DATA, False
    try:
        async with savepoint(reader.session):
            data = await tile.load(reader)
    except Exception:  # noqa: BLE001 - whatever a room's tile raises, the other tiles are shown
        _log.exception("dashboard.tile_failed", tile=tile.code)
        failed = True
    return TileView(
        code=tile.code,
        label=translate(tile.label),
        about=translate(tile.about),
        kind=tile.kind,
        size=TileSize.of(choice.size),
        failed=failed,
        value=data.value,
        unit=data.unit,
        more=data.more,
        target=data.target,
        note=data.note,
        labels=data.labels,
        links=data.links,
        series=data.series,
        rows=data.rows,
        path=data.path,
        as_of=data.as_of or reader.now,
        next_at=data.next_at or reader.now + REFRESHED,
    )
