"""Parts of this slice."""

from typing import Final

from foundation.marks import N_
from foundation.rooms import NavArea, NavEntry, Slice
from governance.inbox.commands import COMMANDS
from governance.inbox.pages import build_inbox_pages
from governance.inbox.routes import build_inbox_routes
from governance.inbox.tiles import TILES
from governance.permissions import GovernancePermission

SLICE: Final = Slice(
    commands=COMMANDS,
    tiles=TILES,
    routes=lambda services: build_inbox_routes(services.db),
    pages=lambda services: build_inbox_pages(services.db),
    navigation=(
        NavEntry(
            area=NavArea.MSP,
            position=5,
            label=N_("Inbox"),
            path="/inbox",
            icon="inbox",
            permission=GovernancePermission.READ_FLEET,
        ),
    ),
)
