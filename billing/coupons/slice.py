"""Parts of this slice."""

from typing import Final

import billing.coupons.models
from billing.coupons.commands import COMMANDS
from billing.coupons.pages import COUPON_PAGES
from billing.coupons.routes import COUPON_ROUTES
from foundation.rooms import Slice

SLICE: Final = Slice(
    models=(billing.coupons.models,),
    routes=COUPON_ROUTES,
    pages=COUPON_PAGES,
    commands=COMMANDS,
)
