"""Parts of this slice."""

from typing import Final

import billing.usage.models
from billing.permissions import BillingPermission
from billing.usage.commands import COMMANDS
from billing.usage.pages import USAGE_PAGES, provide_meters
from billing.usage.routes import USAGE_ROUTES
from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, Slice, WebPart


def _usage(area: NavArea) -> NavEntry:
    return NavEntry(
        area=area, section=MenuSection.BILLING, position=25,
        label=N_("Usage"), path="/usage", icon="chart", permission=BillingPermission.READ_USAGE,
        covers=("/meters",),
    )  # fmt: skip


SLICE: Final = Slice(
    models=(billing.usage.models,),
    routes=USAGE_ROUTES,
    pages=USAGE_PAGES,
    web=lambda services: WebPart(dependencies=provide_meters(services.rooms.meters)),
    navigation=(_usage(NavArea.MSP), _usage(NavArea.CLIENT)),
    commands=COMMANDS,
)
