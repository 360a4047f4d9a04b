"""Parts of this slice."""

from typing import Final

import billing.wallets.models
from billing.balance.commands import COMMANDS
from billing.balance.pages import BALANCE_PAGES
from billing.balance.routes import BALANCE_ROUTES
from foundation.rooms import Slice

SLICE: Final = Slice(
    models=(billing.wallets.models,),
    routes=BALANCE_ROUTES,
    pages=BALANCE_PAGES,
    commands=COMMANDS,
)
