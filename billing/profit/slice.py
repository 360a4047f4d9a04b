"""Parts of this slice."""

from typing import Final

from billing.permissions import BillingPermission
from billing.profit.commands import COMMANDS
from billing.profit.pages import PROFIT_PAGES
from billing.profit.routes import PROFIT_ROUTES
from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, Slice

SLICE: Final = Slice(
    routes=PROFIT_ROUTES,
    pages=PROFIT_PAGES,
    navigation=(
        NavEntry(
            area=NavArea.MSP, section=MenuSection.BILLING, position=26,
            label=N_("Profit"), path="/profit", icon="chart",
            permission=BillingPermission.READ_PROFIT, covers=("/revenue",),
        ),
    ),
    commands=COMMANDS,
)  # fmt: skip
