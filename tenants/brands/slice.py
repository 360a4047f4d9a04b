"""Parts of this slice."""

from typing import Final

from foundation.marks import N_
from foundation.outbound.dns_txt import DnsLookup
from foundation.rooms import MenuSection, NavArea, NavEntry, Slice, build_from
from tenants.brands.commands import COMMANDS
from tenants.brands.pages import build_brand_pages
from tenants.brands.routes import build_brand_routes
from tenants.permissions import TenantPermission

SLICE: Final = Slice(
    routes=build_from(DnsLookup, build_brand_routes),
    pages=build_from(DnsLookup, build_brand_pages),
    commands=COMMANDS,
    navigation=(
        NavEntry(
            area=NavArea.MSP,
            section=MenuSection.ACCOUNT,
            position=35,
            label=N_("Brands"),
            path="/brands",
            icon="flag",
            permission=TenantPermission.READ_BRANDS,
        ),
    ),
)
