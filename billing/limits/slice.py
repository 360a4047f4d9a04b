"""Parts of this slice."""

from typing import Final

import billing.limits.models
from billing.limits.commands import COMMANDS
from billing.limits.pages import LIMIT_PAGES
from billing.limits.routes import LIMIT_ROUTES
from billing.permissions import BillingPermission
from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, Slice

SLICE: Final = Slice(
    models=(billing.limits.models,),
    routes=LIMIT_ROUTES,
    pages=LIMIT_PAGES,
    navigation=(
        NavEntry(
            area=NavArea.CLIENT, section=MenuSection.BILLING, position=26,
            label=N_("Limits and cost control"), path="/limits",
            icon="target", permission=BillingPermission.READ_USAGE,
        ),
    ),
    commands=COMMANDS,
)  # fmt: skip
