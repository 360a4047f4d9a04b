"""Pages of a member's own notifications and of their settings."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures.multi_dicts import FormMultiDict
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect, Template

from foundation.errors import DomainError
from foundation.i18n.localizer import current_localizer, translate
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.notifications.kinds import NoticeSeverity, kinds_for, known_kinds
from tenants.notifications.lists import NOTIFICATIONS
from tenants.notifications.manage import load_settings, mark_all_read, mark_read, save_settings, settings_view
from tenants.notifications.routes import leave_limits, own_id
from tenants.notifications.schemas import NotificationSettings
from tenants.notifications.timing import MailMode
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/notifications", "/clients/{client:str}/notifications"]
_SINGLE: Final = (
    "least_severity", "mail", "mail_least_severity", "webhook_least_severity", "quiet_from", "quiet_until", "digest_at",
)  # fmt: skip
_READ: Final = {"permission": TenantPermission.READ_NOTIFICATIONS}
BADGES: Final = {NoticeSeverity.INFO: "info", NoticeSeverity.WARNING: "warn", NoticeSeverity.CRITICAL: "bad"}


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
    return _settings(access, await load_settings(access.session, own_id(access)))


@post([f"{path}/settings" for path in _ROOTS], opt=_READ, include_in_schema=False)
async def save_notification_settings_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    chosen = _chosen(await request.form(), is_partner=access.principal.partner_id is not None)
    await leave_limits(access)
    portal = portal_of(request, access.brand)
    saving = save_settings(access.session, own_id(access), chosen, portal=portal, now=access.now)
    refusal = await run_action(access.session, saving)
    if refusal is not None:
        return _settings(access, chosen, refusal)
    return redirect_to(access, "/notifications", done=translate("Saved"))


NOTIFICATION_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_notifications_page,
    export_page(NOTIFICATIONS, _ROOTS, opt=_READ),
    open_notification_page,
    mark_notification_read_page,
    mark_all_read_page,
    notification_settings_page,
    save_notification_settings_page,
)


def _chosen(form: FormMultiDict, *, is_partner: bool) -> NotificationSettings:
    """The settings of the form: kinds that are not ticked are muted, a kind's own mail is a field of its own."""
    in_app, known = {str(one) for one in form.getall("kinds", [])}, kinds_for(is_partner=is_partner)
    single = {name: str(form[name]) for name in _SINGLE if name in form}
    return NotificationSettings(
        muted=[code for code in known if code not in in_app],
        mail_kinds={code: str(form[f"mail.{code}"]) for code in known if form.get(f"mail.{code}")},  # type: ignore[misc]
        webhook_kinds=[str(one) for one in form.getall("webhook_kinds", [])],
        critical_passes="critical_passes" in form,
        **single,  # type: ignore[arg-type]
    )


def _settings(access: Access, chosen: NotificationSettings, refusal: DomainError | None = None) -> Template:
    is_partner = access.principal.partner_id is not None
    context = {
        "chosen": settings_view(chosen, is_partner=is_partner),
        "is_partner": is_partner,
        "severities": {str(one): (translate(one.label), BADGES[one]) for one in NoticeSeverity},
        "least": [(str(one), translate(one.label)) for one in NoticeSeverity],
        "modes": [(str(one), translate(one.label)) for one in MailMode],
        "zone": current_localizer().zone,
        "refused": refusal,
    }
    title = translate("Notification settings")
    return render_page(access, "tenants/notification_settings.html", title, context, refusal=refusal)
