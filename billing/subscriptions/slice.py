"""Parts of this slice."""

from typing import Final

import billing.subscriptions.models
from billing.permissions import BillingPermission
from billing.subscriptions.commands import COMMANDS
from billing.subscriptions.pages import SUBSCRIPTION_PAGES
from billing.subscriptions.routes import SUBSCRIPTION_ROUTES
from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, RoleGrant, Slice


def _subscriptions(area: NavArea, *covers: str) -> NavEntry:
    return NavEntry(
        area=area, section=MenuSection.BILLING, position=22,
        label=N_("Subscriptions"), path="/subscriptions", icon="package",
        permission=BillingPermission.READ_INVOICES, covers=covers,
    )  # fmt: skip


SLICE: Final = Slice(
    models=(billing.subscriptions.models,),
    routes=SUBSCRIPTION_ROUTES,
    pages=SUBSCRIPTION_PAGES,
    commands=COMMANDS,
    navigation=(_subscriptions(NavArea.MSP, "/plans"), _subscriptions(NavArea.CLIENT)),
    grants=(
        RoleGrant("msp_admin", BillingPermission.WRITE_SUBSCRIPTIONS),
        RoleGrant("msp_finance", BillingPermission.WRITE_SUBSCRIPTIONS),
    ),
)
