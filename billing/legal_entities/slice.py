"""Parts of this slice."""

from typing import Final

import billing.legal_entities.models
from billing.legal_entities.commands import COMMANDS
from billing.legal_entities.pages import LEGAL_ENTITY_PAGES
from billing.legal_entities.routes import LEGAL_ENTITY_ROUTES
from billing.permissions import BillingPermission
from foundation.rooms import RoleGrant, Slice

SLICE: Final = Slice(
    models=(billing.legal_entities.models,),
    routes=LEGAL_ENTITY_ROUTES,
    pages=LEGAL_ENTITY_PAGES,
    commands=COMMANDS,
    grants=(
        RoleGrant("msp_admin", BillingPermission.WRITE_LEGAL_ENTITY),
        RoleGrant("msp_finance", BillingPermission.WRITE_LEGAL_ENTITY),
        RoleGrant("msp_admin", BillingPermission.WRITE_BILLING_DETAILS),
        RoleGrant("msp_finance", BillingPermission.WRITE_BILLING_DETAILS),
        RoleGrant("client_admin", BillingPermission.WRITE_BILLING_DETAILS),
        RoleGrant("client_finance", BillingPermission.WRITE_BILLING_DETAILS),
    ),
)
