"""Parts of this slice."""

from typing import Final

from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, Slice
from tenants.client_brands.commands import COMMANDS
from tenants.client_brands.pages import CLIENT_BRAND_PAGES
from tenants.client_brands.routes import CLIENT_BRAND_ROUTES
from tenants.permissions import TenantPermission

SLICE: Final = Slice(
    routes=CLIENT_BRAND_ROUTES,
    pages=CLIENT_BRAND_PAGES,
    commands=COMMANDS,
    navigation=(
        NavEntry(
            area=NavArea.CLIENT,
            section=MenuSection.ACCOUNT,
            position=34,
            label=N_("Brand"),
            path="/brand",
            icon="flag",
            permission=TenantPermission.READ_BRANDS,
        ),
    ),
)
