"""API of rate limits. Without a client in the path, of the MSP's own account."""

from typing import Any, Final

from litestar import get
from litestar.params import JSONBody

from foundation.web.api import put
from tenants.permissions import TenantPermission
from tenants.rate_limits.manage import load_rate_limits, set_rate_limits
from tenants.rate_limits.schemas import RateLimitInput, RateLimitView
from tenants.web.dependencies import OpenAccess

_ROOTS: Final = ["/api/v1/rate-limits", "/api/v1/clients/{client:str}/rate-limits"]
_READ: Final = {"permission": TenantPermission.READ_API_KEYS}
_WRITE: Final = {"permission": TenantPermission.CREATE_CLIENT}
_TAGS: Final = ["rate-limits"]


@get(_ROOTS, opt=_READ, tags=_TAGS)
async def show_rate_limits(access: OpenAccess) -> RateLimitView:
    """Show how many requests per minute the account's callers may send."""
    return await load_rate_limits(access.session)


@put(_ROOTS, opt=_WRITE, tags=_TAGS, status_code=200)
async def save_rate_limits(access: OpenAccess, data: JSONBody[RateLimitInput]) -> RateLimitView:
    """Set how many requests per minute the account's callers may send, as staff of the MSP."""
    return await set_rate_limits(access.session, data, now=access.now)


RATE_LIMIT_ROUTES: Final[tuple[Any, ...]] = (show_rate_limits, save_rate_limits)
