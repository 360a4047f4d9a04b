"""Page of the notifications of an account's members who have chosen none."""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.response import Template

from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.etags import version_in
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.notifications.defaults import (
    clear_default,
    default_version,
    load_default,
    require_default_version,
    save_default,
)
from tenants.notifications.manage import defaults_view
from tenants.notifications.schemas import NotificationSettings
from tenants.notifications.web.forms import read_settings_form, settings_choices
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/notifications/defaults", "/clients/{client:str}/notifications/defaults"]
_WRITE: Final = {"permission": TenantPermission.WRITE_NOTIFICATION_DEFAULTS}


@get(_ROOTS, opt=_WRITE, include_in_schema=False)
async def notification_defaults_page(access: OpenAccess) -> Response[Any]:
    found = await load_default(access.session)
    return _page(access, found, is_set=found is not None, version=default_version(found))


@post(_ROOTS, opt=_WRITE, include_in_schema=False)
async def set_notification_defaults_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    form = await request.form()
    chosen, version = read_settings_form(form), version_in(form)
    refusal = await run_action(access.session, _save(access, chosen, version))
    if refusal is not None:
        return _page(access, chosen, is_set=version != default_version(None), version=version, refusal=refusal)
    return redirect_to(access, "/notifications/defaults", done=translate("Saved"))


@post([f"{path}/clear" for path in _ROOTS], opt=_WRITE, include_in_schema=False)
async def clear_notification_defaults_page(access: OpenAccess) -> Response[Any]:
    await clear_default(access.session, now=access.now)
    return redirect_to(access, "/notifications/defaults", done=translate("Removed"))


async def _save(access: Access, chosen: NotificationSettings, version: str) -> None:
    """Raises: InvalidInput, PreconditionFailed."""
    await require_default_version(access.session, version)
    await save_default(access.session, chosen, now=access.now)


def _page(
    access: Access,
    found: NotificationSettings | None,
    *,
    is_set: bool,
    version: str,
    refusal: DomainError | None = None,
) -> Template:
    context = {
        "chosen": defaults_view(found), "is_set": is_set, "version": version, "choices": settings_choices(),
        "refused": refusal,
    }  # fmt: skip
    title = translate("Default notifications")
    return render_page(access, "tenants/notification_defaults.html", title, context, refusal=refusal)


DEFAULTS_PAGES: Final = (notification_defaults_page, set_notification_defaults_page, clear_notification_defaults_page)
