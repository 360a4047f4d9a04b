"""What this slice adds to the room."""

from typing import Final

import billing.plans.models
from billing.plans.routes import PLAN_ROUTES
from foundation.rooms import Slice

SLICE: Final = Slice(models=(billing.plans.models,), routes=PLAN_ROUTES)
