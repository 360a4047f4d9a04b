"""Parts of this slice."""

from typing import Final

import billing.sla.models
from billing.sla.commands import COMMANDS
from billing.sla.pages import SLA_PAGES
from billing.sla.routes import SLA_ROUTES
from foundation.rooms import Slice

SLICE: Final = Slice(models=(billing.sla.models,), routes=SLA_ROUTES, pages=SLA_PAGES, commands=COMMANDS)
