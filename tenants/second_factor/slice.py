"""Parts of this slice."""

from typing import Final

import tenants.factors.models
from foundation.rooms import Slice
from tenants.factors.audit_actions import SecondFactorAction
from tenants.factors.factors import SEALED_SECRET
from tenants.second_factor.commands import COMMANDS
from tenants.second_factor.pages import SECOND_FACTOR_PAGES
from tenants.second_factor.routes import SECOND_FACTOR_ROUTES

SLICE: Final = Slice(
    models=(tenants.factors.models,),
    routes=SECOND_FACTOR_ROUTES,
    pages=SECOND_FACTOR_PAGES,
    audit_actions=(SecondFactorAction,),
    sealed_columns=(SEALED_SECRET,),
    commands=COMMANDS,
)
