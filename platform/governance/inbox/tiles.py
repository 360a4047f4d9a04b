"""Tile of the items that are due next in the inbox of an MSP."""

from typing import Final

from foundation.dashboard_tiles import Tile, TileArea, TileData, TileKind, TileReader, TileRow
from foundation.marks import N_
from governance.inbox.lists import INBOX
from governance.permissions import GovernancePermission

_ROWS: Final = 5


async def _next(reader: TileReader) -> TileData:
    found = await INBOX.load(reader.session, INBOX.query(limit=_ROWS), reader.now)
    rows = [
        TileRow(one.title, one.path, one.client_name, one.record_title or one.record_key or "") for one in found.items
    ]
    return TileData(path="/inbox", rows=rows)


TILES: Final = (
    Tile(
        code="inbox.next",
        label=N_("Due next"),
        about=N_("The next five approvals and exceptions of all clients."),
        kind=TileKind.LIST,
        area=TileArea.MSP,
        permission=GovernancePermission.READ_FLEET,
        load=_next,
        fleet=True,
    ),
)
