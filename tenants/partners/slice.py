"""Parts of this slice."""

from typing import Final

from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, Slice
from tenants.partners.audit_actions import PartnerAction
from tenants.partners.commands import COMMANDS
from tenants.partners.pages import PARTNER_PAGES
from tenants.partners.routes import PARTNER_ROUTES
from tenants.permissions import TenantPermission

SLICE: Final = Slice(
    routes=PARTNER_ROUTES,
    pages=PARTNER_PAGES,
    audit_actions=(PartnerAction,),
    commands=COMMANDS,
    navigation=(
        NavEntry(
            area=NavArea.CLIENT,
            section=MenuSection.SETUP,
            position=32,
            label=N_("Trading partners"),
            path="/partners",
            icon="truck",
            permission=TenantPermission.READ_MEMBERS,
        ),
    ),
)
