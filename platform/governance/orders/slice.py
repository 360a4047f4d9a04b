"""Parts of this slice."""

from typing import Final

from foundation.marks import N_
from foundation.rooms import NavArea, NavEntry, Slice
from governance.orders.commands import COMMANDS
from governance.orders.pages import ORDER_PAGES
from governance.orders.routes import ORDER_ROUTES
from governance.permissions import GovernancePermission

SLICE: Final = Slice(
    commands=COMMANDS,
    routes=ORDER_ROUTES,
    pages=ORDER_PAGES,
    navigation=(
        NavEntry(
            area=NavArea.CLIENT,
            position=27,
            label=N_("Orders"),
            path="/orders",
            icon="truck",
            permission=GovernancePermission.READ_CHANGES,
        ),
    ),
)
