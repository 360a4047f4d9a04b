"""Parts of this slice."""

from typing import Final

from billing.revenue.commands import COMMANDS
from billing.revenue.pages import REVENUE_PAGES
from billing.revenue.routes import REVENUE_ROUTES
from billing.revenue.tiles import TILES
from foundation.rooms import Slice

SLICE: Final = Slice(routes=REVENUE_ROUTES, pages=REVENUE_PAGES, tiles=TILES, commands=COMMANDS)
