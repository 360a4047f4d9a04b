"""Parts of this slice."""

from typing import Final

import billing.vendor_bills.models
from billing.permissions import BillingPermission
from billing.vendor_bills.commands import COMMANDS
from billing.vendor_bills.pages import VENDOR_PAGES
from billing.vendor_bills.routes import VENDOR_ROUTES
from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, Slice

SLICE: Final = Slice(
    models=(billing.vendor_bills.models,),
    routes=VENDOR_ROUTES,
    pages=VENDOR_PAGES,
    navigation=(
        NavEntry(
            area=NavArea.MSP, section=MenuSection.BILLING, position=27,
            label=N_("Vendor bills"), path="/vendor-bills", icon="truck",
            permission=BillingPermission.READ_VENDOR_BILLS, covers=("/three-way-check",),
        ),
    ),
    commands=COMMANDS,
)  # fmt: skip
