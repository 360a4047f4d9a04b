"""Parts of this slice."""

from typing import Final

from foundation.marks import N_
from foundation.rooms import NavArea, NavEntry, Slice
from governance.monthly_reports.commands import COMMANDS
from governance.monthly_reports.pages import MONTH_PAGES
from governance.monthly_reports.routes import MONTH_ROUTES
from governance.permissions import GovernancePermission

SLICE: Final = Slice(
    commands=COMMANDS,
    routes=MONTH_ROUTES,
    pages=MONTH_PAGES,
    navigation=(
        NavEntry(
            area=NavArea.CLIENT,
            position=45,
            label=N_("Monthly reports"),
            path="/months",
            icon="calendar",
            permission=GovernancePermission.READ_DASHBOARD,
        ),
    ),
)
