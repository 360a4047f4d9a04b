"""API of a member's own notifications. Without a client in the path, of the MSP's staff."""

from typing import Any, Final
from uuid import UUID

from litestar import get
from litestar.params import FromPath, JSONBody

from foundation.errors import NotFound
from foundation.web.api import delete, post, put
from tenants.access import Access
from tenants.auth.pages import AnyRequest
from tenants.notifications.lists import NOTIFICATIONS
from tenants.notifications.manage import (
    follow_account,
    load_settings,
    mark_all_read,
    mark_read,
    save_settings,
    settings_view,
)
from tenants.notifications.schemas import NotificationSettings, ReadView, SettingsView
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of
from tenants.web.lists import list_route

_ROOTS: Final = ["/api/v1/notifications", "/api/v1/clients/{client:str}/notifications"]
_READ: Final = {"permission": TenantPermission.READ_NOTIFICATIONS}
_TAGS: Final = ["notifications"]

NOTIFICATION_LIST: Final = list_route(
    NOTIFICATIONS, _ROOTS, opt=_READ, tags=_TAGS, about="List the caller's own notifications, newest first."
)


@post([f"{path}/{{notification_id:uuid}}/read" for path in _ROOTS], opt=_READ, tags=_TAGS, status_code=204)
async def mark_notification_read(access: OpenAccess, notification_id: FromPath[UUID]) -> None:
    """Mark a notification of the caller as read."""
    await leave_limits(access)
    await mark_read(access.session, access.principal.id, notification_id, now=access.now)


@post([f"{path}/read" for path in _ROOTS], opt=_READ, tags=_TAGS, status_code=200)
async def mark_all_notifications_read(access: OpenAccess) -> ReadView:
    """Mark all notifications of the caller as read."""
    await leave_limits(access)
    return ReadView(await mark_all_read(access.session, access.principal.id, now=access.now))


@get([f"{path}/settings" for path in _ROOTS], opt=_READ, tags=_TAGS)
async def show_notification_settings(access: OpenAccess) -> SettingsView:
    """Show which notifications the caller gets."""
    chosen, follows_account = await load_settings(access.session, access.principal.id)
    is_partner = access.principal.partner_id is not None
    return settings_view(chosen, is_partner=is_partner, follows_account=follows_account)


@put([f"{path}/settings" for path in _ROOTS], opt=_READ, tags=_TAGS, status_code=200)
async def save_notification_settings(
    request: AnyRequest, access: OpenAccess, data: JSONBody[NotificationSettings]
) -> SettingsView:
    """Set which notifications the caller, a member, gets in this account, and where. Links in mails lead here."""
    portal = portal_of(request, access.brand)
    await leave_limits(access)
    await save_settings(access.session, own_id(access), data, portal=portal, now=access.now)
    return settings_view(data, is_partner=access.principal.partner_id is not None)


@delete([f"{path}/settings" for path in _ROOTS], opt=_READ, tags=_TAGS)
async def remove_notification_settings(access: OpenAccess) -> None:
    """Drop the caller's own settings: they get what the account sets for members who have chosen none."""
    await leave_limits(access)
    await follow_account(access.session, own_id(access), now=access.now)


NOTIFICATION_ROUTES: Final[tuple[Any, ...]] = (
    NOTIFICATION_LIST, mark_notification_read, mark_all_notifications_read, show_notification_settings,
    save_notification_settings, remove_notification_settings,
)  # fmt: skip


def own_id(access: Access) -> UUID:
    """The member's id, in their home account. Raises NotFound: a program, or a member of another account."""
    if access.principal.kind != "member" or access.principal.tenant_id != access.scope.tenant_id:
        raise NotFound
    return access.principal.id


async def leave_limits(access: Access) -> None:
    """Lift the limits of a partner's scope, which never writes, for statements that name the member."""
    if access.scope.partner_id is not None:
        await access.leave_partner()
