"""Pages of a member's own notifications and of their settings."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect, Template

from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.notifications.kinds import NoticeSeverity, known_kinds
from tenants.notifications.lists import NOTIFICATIONS
from tenants.notifications.manage import (
    follow_account,
    load_settings,
    mark_all_read,
    mark_read,
    save_settings,
    settings_view,
)
from tenants.notifications.routes import leave_limits, own_id
from tenants.notifications.schemas import SettingsView
from tenants.notifications.web.forms import BADGES, read_settings_form, settings_choices
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/notifications", "/clients/{client:str}/notifications"]
_READ: Final = {"permission": TenantPermission.READ_NOTIFICATIONS}


@get(_ROOTS, name="notifications", opt=_READ, dependencies=NOTIFICATIONS.page_parameters, include_in_schema=False)
async def list_notifications_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, NOTIFICATIONS, listed)
    context = {
        "listed": list_view(NOTIFICATIONS, listed, found, f"{access.root}/notifications"),
        "severities": {str(one): (translate(one.label), BADGES[one]) for one in NoticeSeverity},
        "labels": {code: translate(kind.label) for code, kind in known_kinds().items()},
    }
    title = translate("Notifications")
    return render_page(access, "tenants/notifications.html", title, context, refusal=listed.refusal)


@get([f"{path}/{{notification_id:uuid}}" for path in _ROOTS], opt=_READ, include_in_schema=False)
async def open_notification_page(access: OpenAccess, notification_id: FromPath[UUID]) -> Response[Any]:
    """Target of a notification's link: its page. Reading marks it as read; the address survives a sign-in."""
    await leave_limits(access)
    found = await mark_read(access.session, access.principal.id, notification_id, now=access.now)
    return Redirect(found.href if found.number == 1 else found.list_href, status_code=303)


@post([f"{path}/{{notification_id:uuid}}/read" for path in _ROOTS], opt=_READ, include_in_schema=False)
async def mark_notification_read_page(access: OpenAccess, notification_id: FromPath[UUID]) -> Response[Any]:
    await leave_limits(access)
    await mark_read(access.session, access.principal.id, notification_id, now=access.now)
    return redirect_to(access, "/notifications")


@post([f"{path}/read" for path in _ROOTS], opt=_READ, include_in_schema=False)
async def mark_all_read_page(access: OpenAccess) -> Response[Any]:
    await leave_limits(access)
    await mark_all_read(access.session, access.principal.id, now=access.now)
    return redirect_to(access, "/notifications", done=translate("All marked as read"))


@get([f"{path}/settings" for path in _ROOTS], opt=_READ, include_in_schema=False)
async def notification_settings_page(access: OpenAccess) -> Response[Any]:
    chosen, follows_account = await load_settings(access.session, own_id(access))
    is_partner = access.principal.partner_id is not None
    return _settings(access, settings_view(chosen, is_partner=is_partner, follows_account=follows_account))


@post([f"{path}/settings" for path in _ROOTS], opt=_READ, include_in_schema=False)
async def save_notification_settings_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    is_partner = access.principal.partner_id is not None
    chosen = read_settings_form(await request.form(), is_partner=is_partner)
    await leave_limits(access)
    portal = portal_of(request, access.brand)
    saving = save_settings(access.session, own_id(access), chosen, portal=portal, now=access.now)
    refusal = await run_action(access.session, saving)
    if refusal is not None:
        return _settings(access, settings_view(chosen, is_partner=is_partner), refusal)
    return redirect_to(access, "/notifications", done=translate("Saved"))


@post([f"{path}/settings/follow" for path in _ROOTS], opt=_READ, include_in_schema=False)
async def follow_account_page(access: OpenAccess) -> Response[Any]:
    await leave_limits(access)
    await follow_account(access.session, own_id(access), now=access.now)
    return redirect_to(access, "/notifications/settings", done=translate("You get what the account sets"))


NOTIFICATION_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_notifications_page,
    export_page(NOTIFICATIONS, _ROOTS, opt=_READ),
    open_notification_page,
    mark_notification_read_page,
    mark_all_read_page,
    notification_settings_page,
    save_notification_settings_page,
    follow_account_page,
)


def _settings(access: Access, shown: SettingsView, refusal: DomainError | None = None) -> Template:
    context = {
        "chosen": shown,
        "is_partner": access.principal.partner_id is not None,
        "choices": settings_choices(),
        "refused": refusal,
    }
    title = translate("Notification settings")
    return render_page(access, "tenants/notification_settings.html", title, context, refusal=refusal)
