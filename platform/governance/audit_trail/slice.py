"""Parts of this slice."""

from typing import Final

from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, Slice
from governance.audit_trail.commands import COMMANDS
from governance.audit_trail.lists import build_audit_list
from governance.audit_trail.pages import build_trail_pages
from governance.audit_trail.routes import build_trail_routes
from governance.permissions import GovernancePermission

SLICE: Final = Slice(
    commands=COMMANDS,
    routes=lambda services: build_trail_routes(build_audit_list(services.rooms.audit_nouns)),
    pages=lambda services: build_trail_pages(services.rooms),
    navigation=(
        NavEntry(
            area=NavArea.CLIENT,
            section=MenuSection.GOVERNANCE,
            position=40,
            label=N_("Audit"),
            path="/audit",
            icon="archive",
            permission=GovernancePermission.READ_AUDIT,
        ),
    ),
)
