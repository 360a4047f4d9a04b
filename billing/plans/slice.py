"""Parts of this slice."""

from typing import Final

import billing.plans.models
from billing.plans.commands import COMMANDS
from billing.plans.pages import PLAN_PAGES
from billing.plans.routes import PLAN_ROUTES
from foundation.rooms import Slice

SLICE: Final = Slice(models=(billing.plans.models,), routes=PLAN_ROUTES, pages=PLAN_PAGES, commands=COMMANDS)
