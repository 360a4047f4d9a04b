"""Parts of this slice."""

from typing import Final

from foundation.marks import N_
from foundation.rooms import NavArea, NavEntry, Slice
from governance.partner_channel.commands import COMMANDS
from governance.partner_channel.pages import CHANNEL_PAGES
from governance.partner_channel.routes import CHANNEL_ROUTES
from governance.permissions import GovernancePermission

SLICE: Final = Slice(
    commands=COMMANDS,
    routes=CHANNEL_ROUTES,
    pages=CHANNEL_PAGES,
    navigation=(
        NavEntry(
            area=NavArea.PARTNER,
            position=10,
            label=N_("Your channel"),
            path="/channel",
            icon="channel",
            permission=GovernancePermission.READ_CHANNEL,
        ),
        NavEntry(
            area=NavArea.CLIENT,
            position=24,
            label=N_("Catalogue"),
            path="/channel/products",
            icon="package",
            permission=GovernancePermission.READ_CHANNEL,
        ),
        NavEntry(
            area=NavArea.CLIENT,
            position=25,
            label=N_("Current values"),
            path="/channel/values",
            icon="eye",
            permission=GovernancePermission.READ_CHANNEL,
        ),
    ),
)
