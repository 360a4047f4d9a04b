"""What this slice adds to the product."""

from typing import Final

from foundation.rooms import Slice
from tenants.impersonation.pages import IMPERSONATION_PAGES
from tenants.impersonation.routes import IMPERSONATION_ROUTES

SLICE: Final = Slice(routes=IMPERSONATION_ROUTES, pages=IMPERSONATION_PAGES)
