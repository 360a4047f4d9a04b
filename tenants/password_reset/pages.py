"""Public pages of a forgotten password, and the administrator's way to send a link."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from branding.brand import Brand
from branding.pages import ShownBrand
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.rooms import AppServices
from foundation.web.actions import run_action
from foundation.web.render import redirect_to
from foundation.web.requests import PUBLIC_FORM_BYTES
from tenants.auth.csrf import FIELD
from tenants.auth.pages import OpenAuth, address_of, form_text, msp_of, render_form, require_own_form
from tenants.auth.services import AuthServices
from tenants.errors import CrossSiteRequest, WeakPassword
from tenants.members.pages import render_member
from tenants.members.repository import get_member, read_invite
from tenants.models import Member
from tenants.password_reset.links import ResetLink, preview_reset, reset_password, send_reset_link
from tenants.password_reset.request import request_reset
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of

AnyRequest = Request[Any, Any, Any]
_PUBLIC: Final = {"public": True}
_INVITE: Final = {"permission": TenantPermission.INVITE_MEMBERS}
_FORGOT: Final = "/forgot-password"
_RESET: Final = "/reset-password/{token:str}"
_HEADERS: Final = {"Cache-Control": "no-store"}
_MEMBER: Final = ["/members/{member_id:uuid}", "/clients/{client:str}/members/{member_id:uuid}"]


@get(_FORGOT, name="forgot_password", opt=_PUBLIC, include_in_schema=False)
async def show_forgot_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    return _forgot(request, brand, auth)


@get(_RESET, name="reset_password", opt=_PUBLIC, include_in_schema=False)
async def show_reset_page(
    request: AnyRequest, token: FromPath[str], brand: ShownBrand, auth: OpenAuth
) -> Response[Any]:
    """Target of the link. GET does not use it up: mail scanners open every link."""
    member = await preview_reset(auth, _link(request, brand, token))
    return _reset(request, brand, auth, token, member)


@post(_RESET, opt=_PUBLIC, include_in_schema=False, request_max_body_size=PUBLIC_FORM_BYTES)
async def submit_reset_page(
    request: AnyRequest, token: FromPath[str], brand: ShownBrand, auth: OpenAuth
) -> Response[Any]:
    link, form = _link(request, brand, token), await request.form()
    try:
        require_own_form(request, form_text(form, FIELD))
        password, again = form_text(form, "password"), form_text(form, "again")
        await reset_password(auth, link, password=password, again=again, portal=portal_of(request, brand))
    except (WeakPassword, CrossSiteRequest) as refusal:
        return _reset(request, brand, auth, token, await preview_reset(auth, link), refusal)
    return Redirect("/sign-in?reset=1", status_code=303, headers=_HEADERS)


@post([f"{path}/password-reset" for path in _MEMBER], opt=_INVITE, include_in_schema=False)
async def send_reset_link_page(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]
) -> Response[Any]:
    """Send the link to the member; the administrator does not see it."""
    member = await get_member(access.session, member_id)
    portal = portal_of(request, access.brand)
    sending = send_reset_link(access.session, auth, member, portal=portal, now=access.now)
    refusal = await run_action(access.session, sending)
    if refusal is not None:
        return await render_member(access, auth, member_id, refusal)
    return redirect_to(access, f"/members/{member_id}", done=translate("A mail with a link is on its way"))


def build_reset_pages(services: AppServices) -> tuple[HTTPRouteHandler, ...]:
    vault = services.vault

    @post(_FORGOT, opt=_PUBLIC, include_in_schema=False, request_max_body_size=PUBLIC_FORM_BYTES)
    async def submit_forgot_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
        """The answer is the same whether or not the address is known."""
        form = await request.form()
        email = form_text(form, "email")
        try:
            require_own_form(request, form_text(form, FIELD))
            await request_reset(
                auth, vault, msp_id=msp_of(brand), email=email, address=address_of(request),
                portal=portal_of(request, brand),
            )  # fmt: skip
        except DomainError as refusal:
            return _forgot(request, brand, auth, email=email, refusal=refusal)
        return _forgot(request, brand, auth, email=email, sent=True)

    return (show_forgot_page, submit_forgot_page, show_reset_page, submit_reset_page, send_reset_link_page)


def _forgot(  # noqa: PLR0913 - keyword-only
    request: AnyRequest,
    brand: Brand,
    auth: AuthServices,
    *,
    email: str = "",
    sent: bool = False,
    refusal: DomainError | None = None,
) -> Response[Any]:
    context = {
        "template": "tenants/forgot_password.html", "title": translate("Forgot your password?"), "email": email,
        "sent": sent,
    }  # fmt: skip
    return render_form(request, brand, auth, context, refusal=refusal)


def _reset(  # noqa: PLR0913, PLR0917 - the parts of one form
    request: AnyRequest,
    brand: Brand,
    auth: AuthServices,
    token: str,
    member: Member,
    refusal: DomainError | None = None,
) -> Response[Any]:
    context = {
        "template": "tenants/reset_password.html", "title": translate("Choose a new password"),
        "action": f"/reset-password/{token}", "email": member.email,
    }  # fmt: skip
    return render_form(request, brand, auth, context, refusal=refusal)


def _link(request: AnyRequest, brand: Brand, token: str) -> ResetLink:
    """Raises: InviteNotValid."""
    return ResetLink(msp_of(brand), read_invite(token), address_of(request))
