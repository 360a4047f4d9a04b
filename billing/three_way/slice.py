"""Parts of this slice."""

from typing import Final

import billing.three_way.models
from billing.three_way.commands import COMMANDS
from billing.three_way.pages import CHECK_PAGES
from billing.three_way.routes import CHECK_ROUTES
from foundation.rooms import Slice

SLICE: Final = Slice(models=(billing.three_way.models,), routes=CHECK_ROUTES, pages=CHECK_PAGES, commands=COMMANDS)
