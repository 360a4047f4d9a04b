"""Tile of a client's failed jobs."""

from typing import Final

from sqlalchemy import text

from foundation.dashboard_tiles import Tile, TileArea, TileData, TileKind, TileReader
from foundation.database.engine import scope_of
from foundation.marks import N_
from foundation.relations import DEAD_LETTERS
from governance.permissions import GovernancePermission


async def _open(reader: TileReader) -> TileData:
    number = await reader.session.scalar(
        text(f"SELECT count(*) FROM {DEAD_LETTERS} l WHERE tenant_id = :t AND state = 'open'"),
        {"t": scope_of(reader.session).tenant_id},
    )
    return TileData(path="/dead-letters", value=number or 0)


TILES: Final = (
    Tile(
        code="dead_letters.open",
        label=N_("Failed jobs"),
        about=N_("Jobs that stopped after repeated attempts."),
        kind=TileKind.FIGURE,
        area=TileArea.CLIENT,
        permission=GovernancePermission.READ_DEAD_LETTERS,
        load=_open,
    ),
)
