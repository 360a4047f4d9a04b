"""Parts of this slice."""

from typing import Final

from foundation.rooms import Slice
from tenants.rate_limits.audit_actions import RateLimitAction
from tenants.rate_limits.commands import COMMANDS
from tenants.rate_limits.pages import RATE_LIMIT_PAGES
from tenants.rate_limits.routes import RATE_LIMIT_ROUTES

SLICE: Final = Slice(
    audit_actions=(RateLimitAction,),
    routes=RATE_LIMIT_ROUTES,
    pages=RATE_LIMIT_PAGES,
    commands=COMMANDS,
)
