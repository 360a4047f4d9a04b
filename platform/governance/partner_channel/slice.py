"""What this slice adds to the room."""

from typing import Final

from foundation.marks import N_
from foundation.rooms import NavArea, NavEntry, Slice
from governance.partner_channel.pages import CHANNEL_PAGES
from governance.partner_channel.routes import CHANNEL_ROUTES
from governance.permissions import GovernancePermission

SLICE: Final = Slice(
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
    ),
)
