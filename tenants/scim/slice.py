"""Parts of this slice."""

from typing import Final

import tenants.scim.models
from foundation.rooms import Slice
from tenants.scim.audit_actions import ScimAction
from tenants.scim.commands import COMMANDS
from tenants.scim.pages import SCIM_PAGES
from tenants.scim.routes import SCIM_ROUTES

SLICE: Final = Slice(
    models=(tenants.scim.models,),
    routes=SCIM_ROUTES,
    pages=SCIM_PAGES,
    audit_actions=(ScimAction,),
    commands=COMMANDS,
)
