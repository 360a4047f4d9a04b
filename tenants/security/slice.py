"""Parts of this slice."""

from typing import Final

from foundation.rooms import Slice
from tenants.security.audit_actions import SecurityAction
from tenants.security.pages import SECURITY_PAGES
from tenants.security.routes import SECURITY_ROUTES

SLICE: Final = Slice(routes=SECURITY_ROUTES, pages=SECURITY_PAGES, audit_actions=(SecurityAction,))
