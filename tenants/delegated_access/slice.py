"""Parts of this slice."""

from typing import Final

from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, Slice
from tenants.delegated_access.audit_actions import AccessAction
from tenants.delegated_access.commands import COMMANDS
from tenants.delegated_access.pages import ACCESS_PAGES
from tenants.delegated_access.queries import WAITING
from tenants.delegated_access.routes import ACCESS_ROUTES
from tenants.permissions import TenantPermission

SLICE: Final = Slice(
    audit_actions=(AccessAction,),
    routes=ACCESS_ROUTES,
    pages=ACCESS_PAGES,
    navigation=(
        NavEntry(
            area=NavArea.CLIENT,
            section=MenuSection.ACCOUNT,
            position=32,
            label=N_("Service provider access"),
            path="/access",
            icon="eye",
            permission=TenantPermission.READ_ACCESS,
            badge=WAITING,
            badge_permission=TenantPermission.DECIDE_ACCESS,
        ),
    ),
    commands=COMMANDS,
)
