"""What this slice adds to the room."""

from typing import Final

import billing.subscriptions.models
from billing.permissions import BillingPermission
from billing.subscriptions.routes import SUBSCRIPTION_ROUTES
from foundation.rooms import RoleGrant, Slice

SLICE: Final = Slice(
    models=(billing.subscriptions.models,),
    routes=SUBSCRIPTION_ROUTES,
    grants=(
        RoleGrant("msp_admin", BillingPermission.WRITE_SUBSCRIPTIONS),
        RoleGrant("msp_finance", BillingPermission.WRITE_SUBSCRIPTIONS),
    ),
)
