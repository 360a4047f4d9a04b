"""Pages of passkeys: registration and removal by the member, sign-in, and the proof for dangerous actions."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect, Template

from branding.brand import Brand
from branding.pages import ShownBrand
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.scope import Actor, Scope
from foundation.web.flash import done_cookies
from foundation.web.requests import PUBLIC_FORM_BYTES
from tenants.auth.csrf import FIELD
from tenants.auth.identity import SignedIn
from tenants.auth.pages import (
    OpenAuth,
    address_of,
    form_text,
    msp_of,
    passkey_host,
    render_form,
    require_own_form,
    require_provider,
    start_session,
)
from tenants.auth.passkey_sign_in import PURPOSE, confirm_by_passkey, sign_in_by_passkey
from tenants.auth.redirects import safe_next
from tenants.auth.services import AuthServices
from tenants.auth.step_up import CONFIRM_PATH, StepUpRequired, require_recent_proof
from tenants.factors.passkeys import PasskeyUser, list_passkeys, registration_options, sign_in_options
from tenants.members.repository import get_member
from tenants.passkeys.manage import REGISTER, drop_passkey, register_passkey
from tenants.security.own import own_scope
from tenants.security.pages import check_own_form, render_own, render_security, signed_in_member
from tenants.web.links import portal_of

AnyRequest = Request[Any, Any, Any]
_ROOT: Final = "/settings/security"
_HEADERS: Final = {"Cache-Control": "no-store"}
_PUBLIC: Final = {"public": True}
_SIGN_IN: Final = "/sign-in/passkey"
_FORM: Final[dict[str, Any]] = {
    "opt": _PUBLIC,
    "include_in_schema": False,
    "request_max_body_size": PUBLIC_FORM_BYTES,
}
_DOOR: Final = Actor.system("sign-in")


@get(_SIGN_IN, name="passkey_sign_in", opt=_PUBLIC, include_in_schema=False)
async def show_passkey_sign_in_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    return _sign_in_form(request, brand, auth, safe_next(request.query_params.get("next", "")))


@post(_SIGN_IN, **_FORM)
async def submit_passkey_sign_in_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    form = await request.form()
    target = safe_next(form_text(form, "next"))
    msp_id = msp_of(brand)
    try:
        require_own_form(request, form_text(form, FIELD))
        principal = await sign_in_by_passkey(
            auth, passkey_host(request), form_text(form, "credential"),
            msp=Scope(msp_id=msp_id, tenant_id=msp_id, actor=_DOOR), address=address_of(request),
        )  # fmt: skip
    except DomainError as refusal:
        return _sign_in_form(request, brand, auth, target, refusal)
    elsewhere = await require_provider(auth, principal, target)
    return elsewhere or await start_session(request, brand, auth, principal, target)


@get(f"{_ROOT}/passkeys/new", name="new_passkey", opt=_PUBLIC, include_in_schema=False)
async def new_passkey_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    who = await signed_in_member(request, brand, auth)
    if who is None:
        return Redirect(f"/sign-in?next={_ROOT}", status_code=303, headers=_HEADERS)
    try:
        require_recent_proof(who.session, auth.clock())
    except StepUpRequired:
        return Redirect(f"{CONFIRM_PATH}?next={_ROOT}/passkeys/new", status_code=303, headers=_HEADERS)
    return await _new_form(request, brand, auth, who)


@post(f"{_ROOT}/passkeys/new", **_FORM)
async def add_passkey_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    who = await signed_in_member(request, brand, auth)
    if who is None:
        return Redirect(f"/sign-in?next={_ROOT}", status_code=303, headers=_HEADERS)
    form = await check_own_form(request, who)
    name = form_text(form, "name")
    try:
        require_recent_proof(who.session, auth.clock())
        async with auth.db.transaction(own_scope(who)) as session:
            await register_passkey(
                session, auth, who, passkey_host(request), response=form_text(form, "credential"), name=name,
                portal=portal_of(request, brand),
            )  # fmt: skip
    except StepUpRequired:
        return Redirect(f"{CONFIRM_PATH}?next={_ROOT}/passkeys/new", status_code=303, headers=_HEADERS)
    except DomainError as refusal:
        return await _new_form(request, brand, auth, who, name, refusal)
    done = done_cookies(translate("Passkey added"))
    return Redirect(_ROOT, status_code=303, headers=_HEADERS, cookies=done)


@post(f"{_ROOT}/passkeys/{{passkey_id:uuid}}/remove", **_FORM)
async def remove_passkey_page(
    request: AnyRequest, passkey_id: FromPath[UUID], brand: ShownBrand, auth: OpenAuth
) -> Response[Any]:
    who = await signed_in_member(request, brand, auth)
    if who is None:
        return Redirect(f"/sign-in?next={_ROOT}", status_code=303, headers=_HEADERS)
    await check_own_form(request, who)
    try:
        require_recent_proof(who.session, auth.clock())
        async with auth.db.transaction(own_scope(who)) as session:
            await drop_passkey(session, auth, who, passkey_id, portal=portal_of(request, brand))
    except StepUpRequired:
        return Redirect(f"{CONFIRM_PATH}?next={_ROOT}", status_code=303, headers=_HEADERS)
    except DomainError as refusal:
        return await render_security(brand, auth, who, refusal)
    done = done_cookies(translate("Passkey removed"))
    return Redirect(_ROOT, status_code=303, headers=_HEADERS, cookies=done)


@post(f"{CONFIRM_PATH}/passkey", **_FORM)
async def confirm_by_passkey_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    who = await signed_in_member(request, brand, auth)
    if who is None:
        return Redirect("/sign-in", status_code=303, headers=_HEADERS)
    form = await check_own_form(request, who)
    target = safe_next(form_text(form, "next"))
    try:
        await confirm_by_passkey(
            auth, passkey_host(request), who, form_text(form, "credential"), address=address_of(request)
        )
    except DomainError:
        again = f"{CONFIRM_PATH}?refused=1" + (f"&next={target}" if target else "")
        return Redirect(again, status_code=303, headers=_HEADERS)
    done = done_cookies(translate("Confirmed. Repeat the action now."))
    return Redirect(target or "/", status_code=303, headers=_HEADERS, cookies=done)


PASSKEY_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_passkey_sign_in_page,
    submit_passkey_sign_in_page,
    new_passkey_page,
    add_passkey_page,
    remove_passkey_page,
    confirm_by_passkey_page,
)


def _sign_in_form(
    request: AnyRequest, brand: Brand, auth: AuthServices, target: str, refusal: DomainError | None = None
) -> Template:
    challenge = auth.challenges.issue(msp_of(brand), PURPOSE, now=auth.clock())
    context = {
        "template": "tenants/passkey_sign_in.html", "title": translate("Sign in with a passkey"), "next": target,
        "options": sign_in_options(passkey_host(request), challenge),
    }  # fmt: skip
    return render_form(request, brand, auth, context, refusal=refusal)


async def _new_form(  # noqa: PLR0913, PLR0917 - the parts of one form
    request: AnyRequest, brand: Brand, auth: AuthServices, who: SignedIn, name: str = "",
    refusal: DomainError | None = None,
) -> Template:  # fmt: skip
    me = who.principal
    async with auth.db.transaction(own_scope(who)) as session:
        member, known = await get_member(session, me.id), await list_passkeys(session, me.id)
    challenge = auth.challenges.issue(me.msp_id, REGISTER, now=auth.clock())
    user = PasskeyUser(me.tenant_id, me.id, member.email, member.name)
    options = registration_options(passkey_host(request), user, known, challenge, brand=brand.name)
    context = {"options": options, "name": name, "error": refusal.detail if refusal else ""}
    return render_own("tenants/new_passkey.html", translate("Add a passkey"), brand, auth, who, context, refusal)
