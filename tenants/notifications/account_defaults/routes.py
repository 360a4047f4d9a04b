"""API of the notifications of an account's members who have chosen none. Without a client in the path, of the MSP's
staff.
"""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.params import JSONBody

from foundation.web.api import delete, put
from foundation.web.etags import GuardedOperation, read_etag, tagged
from tenants.access import Access
from tenants.notifications.defaults import (
    clear_default,
    default_version,
    load_default,
    require_default_version,
    save_default,
)
from tenants.notifications.manage import defaults_view
from tenants.notifications.schemas import DefaultsView, NotificationSettings
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/api/v1/notifications/defaults", "/api/v1/clients/{client:str}/notifications/defaults"]
_WRITE: Final = {"permission": TenantPermission.WRITE_NOTIFICATION_DEFAULTS}
_TAGS: Final = ["notifications"]


@get(_ROOTS, opt=_WRITE, tags=_TAGS)
async def show_notification_defaults(access: OpenAccess) -> Response[DefaultsView]:
    """Show the notifications of members who have chosen none. `ETag` has their version."""
    return await _tagged(access)


@put(_ROOTS, opt=_WRITE, tags=_TAGS, status_code=200, operation_class=GuardedOperation)
async def set_notification_defaults(
    request: AnyRequest, access: OpenAccess, data: JSONBody[NotificationSettings]
) -> Response[DefaultsView]:
    """Set the notifications of members who have chosen none, from the next event on. Links in their mails lead to the
    first domain of the service provider's brands.
    """
    await require_default_version(access.session, read_etag(request))
    await save_default(access.session, data, now=access.now)
    return await _tagged(access)


@delete(_ROOTS, opt=_WRITE, tags=_TAGS, operation_class=GuardedOperation)
async def remove_notification_defaults(request: AnyRequest, access: OpenAccess) -> None:
    """Remove them: members who have chosen none get everything in the app, and no mails."""
    await require_default_version(access.session, read_etag(request))
    await clear_default(access.session, now=access.now)


async def _tagged(access: Access) -> Response[DefaultsView]:
    found = await load_default(access.session)
    return tagged(defaults_view(found), default_version(found))


DEFAULTS_ROUTES: Final[tuple[Any, ...]] = (
    show_notification_defaults, set_notification_defaults, remove_notification_defaults,
)  # fmt: skip
