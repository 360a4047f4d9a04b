"""Parts of this slice."""

from typing import Final

import billing.packs.models
from billing.packs.commands import COMMANDS
from billing.packs.pages import PACK_PAGES
from billing.packs.routes import PACK_ROUTES
from foundation.rooms import Slice

SLICE: Final = Slice(
    models=(billing.packs.models,),
    routes=PACK_ROUTES,
    pages=PACK_PAGES,
    commands=COMMANDS,
)
