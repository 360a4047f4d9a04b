"""Parts of this slice."""

from typing import Final

import governance.fleet.models
from foundation.marks import N_
from foundation.rooms import NavArea, NavEntry, Slice
from governance.fleet.hours import count_change_hours
from governance.fleet.pages import FLEET_PAGES
from governance.fleet.routes import FLEET_ROUTES
from governance.fleet.tiles import TILES
from governance.permissions import GovernancePermission

SLICE: Final = Slice(
    tiles=TILES,
    models=(governance.fleet.models,),
    repairs=(count_change_hours,),
    routes=FLEET_ROUTES,
    pages=FLEET_PAGES,
    navigation=(
        NavEntry(
            area=NavArea.MSP,
            position=10,
            label=N_("Clients"),
            path="/fleet",
            icon="fleet",
            permission=GovernancePermission.READ_FLEET,
        ),
    ),
)
