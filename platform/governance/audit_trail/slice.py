"""What this slice adds to the room."""

from typing import Final

from foundation.marks import N_
from foundation.rooms import NavArea, NavEntry, Slice
from governance.audit_trail.pages import build_trail_pages
from governance.audit_trail.routes import TRAIL_ROUTES
from governance.permissions import GovernancePermission

SLICE: Final = Slice(
    routes=TRAIL_ROUTES,
    pages=lambda services: build_trail_pages(services.rooms.audit_labels),
    navigation=(
        NavEntry(
            area=NavArea.CLIENT_ACCOUNT,
            position=40,
            label=N_("Audit"),
            path="/audit",
            icon="archive",
            permission=GovernancePermission.READ_AUDIT,
        ),
    ),
)
