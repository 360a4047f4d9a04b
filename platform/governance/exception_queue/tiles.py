"""Tile of a client's worst open exceptions."""

from typing import Final

from foundation.dashboard_tiles import Tile, TileArea, TileData, TileKind, TileReader, TileRow
from foundation.i18n.localizer import translate
from foundation.marks import N_
from governance.exception_queue.lists import EXCEPTIONS
from governance.permissions import GovernancePermission
from governance.records.titles import load_titles

_ROWS: Final = 5


async def _worst(reader: TileReader) -> TileData:
    found = await EXCEPTIONS.load(reader.session, EXCEPTIONS.query(limit=_ROWS, sort="-severity"), reader.now)
    titles = await load_titles(reader.session, [one.record_key for one in found.items])
    rows = [
        TileRow(
            one.title,
            f"/exceptions/{one.id}",
            translate("{number} of 100", number=one.severity),
            titles.get(one.record_key or "", one.record_key or ""),
        )
        for one in found.items
    ]
    return TileData(path="/exceptions?sort=-severity", rows=rows)


TILES: Final = (
    Tile(
        code="exceptions.worst",
        label=N_("Worst exceptions"),
        about=N_("The five open ones with the highest severity."),
        kind=TileKind.LIST,
        area=TileArea.CLIENT,
        permission=GovernancePermission.READ_EXCEPTIONS,
        load=_worst,
    ),
)
