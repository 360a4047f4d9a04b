"""Tiles of an MSP's dashboard about onboarding."""

from typing import Final

from foundation.dashboard_tiles import Tile, TileArea, TileData, TileKind, TileReader, TileRow
from foundation.marks import N_
from governance.onboarding.lists import ONBOARDINGS
from governance.onboarding.permissions import OnboardingPermission

_ROWS: Final = 5
_STUCK: Final = {"status": "stuck"}
_OPEN: Final = {"status": "open"}
"""Filters of the list."""


async def _stuck(reader: TileReader) -> TileData:
    query = ONBOARDINGS.query(limit=1, **_STUCK)
    found = await ONBOARDINGS.load(reader.session, query.with_count(), reader.now)
    count = found.count
    return TileData(
        path="/onboarding?status=stuck", value=count.number if count else 0, more=bool(count and count.more)
    )


async def _open(reader: TileReader) -> TileData:
    found = await ONBOARDINGS.load(reader.session, ONBOARDINGS.query(limit=_ROWS, **_OPEN), reader.now)
    rows = [TileRow(one.name, f"/clients/{one.client}/onboarding", one.step_label) for one in found.items]
    return TileData(path="/onboarding?status=open", rows=rows)


TILES: Final = (
    Tile(
        code="onboarding.stuck",
        label=N_("Stuck onboardings"),
        about=N_("Without progress for three days."),
        kind=TileKind.FIGURE,
        area=TileArea.MSP,
        permission=OnboardingPermission.READ_ONBOARDING,
        load=_stuck,
        fleet=True,
    ),
    Tile(
        code="onboarding.open",
        label=N_("Clients in onboarding"),
        about=N_("Those without progress for longest first."),
        kind=TileKind.LIST,
        area=TileArea.MSP,
        permission=OnboardingPermission.READ_ONBOARDING,
        load=_open,
        fleet=True,
    ),
)
