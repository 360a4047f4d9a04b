"""Parts of this slice."""

from typing import Final

from foundation.marks import N_
from foundation.rooms import NavArea, NavEntry, Slice
from governance.overview.pages import OVERVIEW_PAGES
from governance.overview.routes import OVERVIEW_ROUTES
from governance.overview.tiles import TILES
from governance.permissions import GovernancePermission

SLICE: Final = Slice(
    tiles=TILES,
    routes=OVERVIEW_ROUTES,
    pages=OVERVIEW_PAGES,
    navigation=(
        NavEntry(
            area=NavArea.CLIENT,
            position=10,
            label=N_("Overview"),
            path="/overview",
            icon="home",
            permission=GovernancePermission.READ_DASHBOARD,
        ),
    ),
)
