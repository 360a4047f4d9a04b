"""Parts of this slice."""

from typing import Final

from foundation.marks import N_
from foundation.rooms import NavArea, NavEntry, Slice
from governance.exception_queue.commands import COMMANDS
from governance.exception_queue.pages import EXCEPTION_PAGES
from governance.exception_queue.routes import EXCEPTION_ROUTES
from governance.exception_queue.tiles import TILES
from governance.permissions import GovernancePermission

SLICE: Final = Slice(
    commands=COMMANDS,
    tiles=TILES,
    routes=EXCEPTION_ROUTES,
    pages=EXCEPTION_PAGES,
    navigation=(
        NavEntry(
            area=NavArea.CLIENT,
            position=40,
            label=N_("Exceptions"),
            path="/exceptions",
            icon="exception",
            permission=GovernancePermission.READ_EXCEPTIONS,
            badge="SELECT 1 FROM governance_exception WHERE tenant_id = :t AND state = 'open'",
            badge_permission=GovernancePermission.READ_APPROVALS,
        ),
    ),
)
