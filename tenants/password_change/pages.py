"""Page on which members change their own password."""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect, Template

from branding.brand import Brand
from branding.pages import ShownBrand
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.flash import done_cookies
from foundation.web.requests import PUBLIC_FORM_BYTES
from tenants.auth.identity import SignedIn
from tenants.auth.pages import OpenAuth, address_of, form_text
from tenants.auth.services import AuthServices
from tenants.auth.step_up import CONFIRM_PATH, StepUpRequired, require_recent_proof
from tenants.errors import SignInFailed, WeakPassword
from tenants.members.repository import get_member
from tenants.password_change.change_password import change_password, has_password
from tenants.security.own import own_scope
from tenants.security.pages import check_own_form, render_own, signed_in_member
from tenants.web.links import portal_of

AnyRequest = Request[Any, Any, Any]
_ROOT: Final = "/settings/security"
_PAGE: Final = f"{_ROOT}/password"
_OPEN: Final[dict[str, Any]] = {"opt": {"public": True}, "include_in_schema": False}


@get(_PAGE, name="change_password", **_OPEN)
async def show_password_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    who = await signed_in_member(request, brand, auth)
    if who is None:
        return _go(f"/sign-in?next={_PAGE}")
    try:
        require_recent_proof(who.session, auth.clock())
    except StepUpRequired:
        return _go(f"{CONFIRM_PATH}?next={_PAGE}")
    return await _form(brand, auth, who) if await has_password(auth, who) else _go(_ROOT)


@post(_PAGE, request_max_body_size=PUBLIC_FORM_BYTES, **_OPEN)
async def change_password_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    who = await signed_in_member(request, brand, auth)
    if who is None:
        return _go(f"/sign-in?next={_PAGE}")
    form = await check_own_form(request, who)
    try:
        await change_password(
            auth, who, present=form_text(form, "present"), password=form_text(form, "password"),
            again=form_text(form, "again"), address=address_of(request), portal=portal_of(request, brand),
        )  # fmt: skip
    except StepUpRequired:
        return _go(f"{CONFIRM_PATH}?next={_PAGE}")
    except DomainError as refusal:
        return await _form(brand, auth, who, refusal)
    return _go(_ROOT, done_cookies(translate("Password changed. Your other sessions were ended.")))


PASSWORD_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (show_password_page, change_password_page)


async def _form(brand: Brand, auth: AuthServices, who: SignedIn, refusal: DomainError | None = None) -> Template:
    """The form. A wrong or weak password is reported beside its field."""
    async with auth.db.transaction(own_scope(who)) as session:
        member = await get_member(session, who.principal.id)
    wrong = translate("This is not your current password.") if isinstance(refusal, SignInFailed) else ""
    weak = refusal.detail if isinstance(refusal, WeakPassword) else ""
    context = {"email": member.email, "wrong": wrong, "weak": weak, "told": bool(wrong or weak)}
    return render_own(
        "tenants/change_password.html", translate("Change your password"), brand, auth, who, context, refusal
    )


def _go(address: str, cookies: Any = None) -> Redirect:
    return Redirect(address, status_code=303, headers={"Cache-Control": "no-store"}, cookies=cookies)
