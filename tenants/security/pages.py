"""Pages of a member's own security, of another member's sessions, and the proof that dangerous actions need."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect, Template

from branding.brand import Brand
from branding.hosts import request_origin
from branding.pages import ShownBrand
from branding.shell import Page
from foundation.audit.chain import append_audit
from foundation.errors import DomainError, NotFound
from foundation.i18n.localizer import translate, use_localizer
from foundation.i18n.negotiation import localizer_of
from foundation.web.flash import done_cookies
from foundation.web.render import redirect_to, render_page
from foundation.web.requests import PUBLIC_FORM_BYTES
from tenants.auth.csrf import FIELD, make_token, require_same_site
from tenants.auth.identity import SignedIn
from tenants.auth.pages import OpenAuth, address_of, find_signed_in, form_text, passkey_host
from tenants.auth.passkey_sign_in import CONFIRM
from tenants.auth.redirects import safe_next
from tenants.auth.services import AuthServices
from tenants.auth.step_up import CONFIRM_PATH, StepUpRequired, require_recent_proof
from tenants.factors.passkeys import PasskeyRefused, count_passkeys, list_passkeys, sign_in_options
from tenants.factors.rules import is_required
from tenants.identity_providers.queries import linked_provider
from tenants.members.repository import get_member
from tenants.permissions import TenantPermission
from tenants.second_factor.change_factors import remove_app, set_up_app
from tenants.second_factor.pages import qr_of, render_codes
from tenants.security.audit_actions import SecurityAction
from tenants.security.own import confirm_person, end_session, has_app, list_sessions, own_scope, require_other
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of

AnyRequest = Request[Any, Any, Any]
_PUBLIC: Final = {"public": True}
_HEADERS: Final = {"Cache-Control": "no-store"}
_ROOT: Final = "/settings/security"
_SIGN_IN: Final = "/sign-in?next=/settings/security"
_FORM: Final[dict[str, Any]] = {
    "opt": _PUBLIC,
    "include_in_schema": False,
    "request_max_body_size": PUBLIC_FORM_BYTES,
}
_INVITE: Final = {"permission": TenantPermission.INVITE_MEMBERS}
_SESSIONS: Final = [
    "/members/{member_id:uuid}/sessions",
    "/clients/{client:str}/members/{member_id:uuid}/sessions",
]


@get(_ROOT, name="security", opt=_PUBLIC, include_in_schema=False)
async def show_security_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    who = await signed_in_member(request, brand, auth)
    return _sign_in() if who is None else await render_security(brand, auth, who)


@post(f"{_ROOT}/app", **_FORM)
async def begin_app_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    """Begin the set-up of an authenticator app."""
    who = await signed_in_member(request, brand, auth)
    if who is None:
        return _sign_in()
    await check_own_form(request, who)
    try:
        require_recent_proof(who.session, auth.clock())
    except StepUpRequired:
        return _confirm_first()
    return await _app_form(brand, auth, who)


@post(f"{_ROOT}/app/confirm", **_FORM)
async def confirm_app_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    """The response shows the recovery codes, once."""
    who = await signed_in_member(request, brand, auth)
    if who is None:
        return _sign_in()
    form = await check_own_form(request, who)
    try:
        require_recent_proof(who.session, auth.clock())
        async with auth.db.transaction(own_scope(who)) as session:
            codes = await set_up_app(
                session, auth, who.principal.id, form_text(form, "code"), portal=portal_of(request, brand),
                now=auth.clock(),
            )  # fmt: skip
    except StepUpRequired:
        return _confirm_first()
    except DomainError as refusal:
        return await _app_form(brand, auth, who, refusal)
    return render_codes(request, brand, auth, codes, _ROOT)


@post(f"{_ROOT}/app/remove", **_FORM)
async def remove_app_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    who = await signed_in_member(request, brand, auth)
    if who is None:
        return _sign_in()
    await check_own_form(request, who)
    try:
        require_recent_proof(who.session, auth.clock())
        async with auth.db.transaction(own_scope(who)) as session:
            await remove_app(session, auth, who.principal, portal=portal_of(request, brand), now=auth.clock())
    except StepUpRequired:
        return _confirm_first()
    except DomainError as refusal:
        return await render_security(brand, auth, who, refusal)
    return _done(translate("Authenticator app removed"))


@post(f"{_ROOT}/recovery-codes", **_FORM)
async def renew_codes_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    """The response shows the recovery codes, once."""
    who = await signed_in_member(request, brand, auth)
    if who is None:
        return _sign_in()
    await check_own_form(request, who)
    try:
        require_recent_proof(who.session, auth.clock())
        async with auth.db.transaction(own_scope(who)) as session:
            codes = await auth.factors.renew_codes(session, who.principal.id, now=auth.clock())
    except StepUpRequired:
        return _confirm_first()
    except DomainError as refusal:
        return await render_security(brand, auth, who, refusal)
    return render_codes(request, brand, auth, codes, _ROOT)


@post(f"{_ROOT}/sessions/end-others", **_FORM)
async def end_other_sessions_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    who = await signed_in_member(request, brand, auth)
    if who is None:
        return _sign_in()
    await check_own_form(request, who)
    number = await auth.sessions.end_others(who.session)
    await _note(auth, who, SecurityAction.OTHER_SESSIONS_ENDED, sessions=number)
    return _done(translate("All other sessions ended"))


@post(f"{_ROOT}/sessions/{{session_id:str}}/end", **_FORM)
async def end_session_page(
    request: AnyRequest, session_id: FromPath[str], brand: ShownBrand, auth: OpenAuth
) -> Response[Any]:
    who = await signed_in_member(request, brand, auth)
    if who is None:
        return _sign_in()
    await check_own_form(request, who)
    try:
        require_other(who, session_id)
        await end_session(auth, who.principal.msp_id, who.principal.id, session_id)
    except DomainError as refusal:
        return await render_security(brand, auth, who, refusal)
    await _note(auth, who, SecurityAction.SESSION_ENDED, session=session_id[:16])
    return _done(translate("Session ended"))


@get(CONFIRM_PATH, name="confirm", opt=_PUBLIC, include_in_schema=False)
async def show_confirm_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    who = await signed_in_member(request, brand, auth)
    target = safe_next(request.query_params.get("next", ""))
    return _sign_in() if who is None else await _confirm(request, brand, auth, who, target)


@post(CONFIRM_PATH, **_FORM)
async def submit_confirm_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    """Record the proof and return to the page of the action."""
    who = await signed_in_member(request, brand, auth)
    if who is None:
        return _sign_in()
    form = await request.form()
    target = safe_next(form_text(form, "next"))
    try:
        await check_own_form(request, who)
        await confirm_person(
            auth, who, password=form_text(form, "password"), code=form_text(form, "code"),
            address=address_of(request), portal=portal_of(request, brand),
        )  # fmt: skip
    except DomainError as refusal:
        return await _confirm(request, brand, auth, who, target, refusal)
    await _note(auth, who, SecurityAction.CONFIRMED)
    done = done_cookies(translate("Confirmed. Repeat the action now."))
    return Redirect(target or "/", status_code=303, headers=_HEADERS, cookies=done)


@get(_SESSIONS, name="member_sessions", opt=_INVITE, include_in_schema=False)
async def show_member_sessions_page(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]) -> Response[Any]:
    member = await get_member(access.session, member_id)
    context = {"member": member, "sessions": await list_sessions(auth, access.scope.msp_id, member_id)}
    return render_page(
        access, "tenants/member_sessions.html", translate("Sessions of {name}", name=member.name), context
    )


@post([f"{path}/{{session_id:str}}/end" for path in _SESSIONS], opt=_INVITE, include_in_schema=False)
async def end_member_session_page(
    access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID], session_id: FromPath[str]
) -> Response[Any]:
    await get_member(access.session, member_id)
    await end_session(auth, access.scope.msp_id, member_id, session_id)
    append_audit(
        access.session, action=SecurityAction.SESSION_ENDED, subject=f"member:{member_id}",
        data={"session": session_id[:16]}, at=access.now,
    )  # fmt: skip
    return redirect_to(access, f"/members/{member_id}/sessions", done=translate("Session ended"))


SECURITY_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_security_page,
    begin_app_page,
    confirm_app_page,
    remove_app_page,
    renew_codes_page,
    end_other_sessions_page,
    end_session_page,
    show_confirm_page,
    submit_confirm_page,
    show_member_sessions_page,
    end_member_session_page,
)


async def signed_in_member(request: AnyRequest, brand: Brand, auth: AuthServices) -> SignedIn | None:
    if brand.msp_id is None:
        raise NotFound
    who = await find_signed_in(request, brand, auth)
    if who is not None and who.principal.language:
        use_localizer(localizer_of(who.principal.language, who.principal.time_zone))
    return who


async def check_own_form(request: AnyRequest, who: SignedIn) -> Any:
    """The form, which came from a page of this session. Raises: CrossSiteRequest."""
    form = await request.form()
    require_same_site(
        method=request.method, headers=request.headers, origin=request_origin(request.scope),
        token=form_text(form, FIELD), secret=who.session.secret,
    )  # fmt: skip
    return form


async def _note(auth: AuthServices, who: SignedIn, action: SecurityAction, **data: object) -> None:
    async with auth.db.transaction(own_scope(who)) as session:
        append_audit(session, action=action, subject=f"member:{who.principal.id}", data=data, at=auth.clock())


async def render_security(
    brand: Brand, auth: AuthServices, who: SignedIn, refusal: DomainError | None = None
) -> Template:
    async with auth.db.transaction(own_scope(who)) as session:
        state = await auth.factors.state(session, who.principal.id)
        required = await is_required(session, who.principal.roles)
        passkeys = await list_passkeys(session, who.principal.id)
        member = await get_member(session, who.principal.id)
    context = {
        "has_password": member.password_hash is not None,
        "state": state,
        "passkeys": passkeys,
        "is_required": required,
        "sessions": await list_sessions(auth, who.principal.msp_id, who.principal.id),
        "here": who.session.id,
    }
    return render_own("tenants/security.html", translate("Sign-in and security"), brand, auth, who, context, refusal)


async def _app_form(brand: Brand, auth: AuthServices, who: SignedIn, refusal: DomainError | None = None) -> Template:
    async with auth.db.transaction(own_scope(who)) as session:
        member = await get_member(session, who.principal.id)
        secret = await auth.factors.begin(session, member.id, now=auth.clock())
    context = {
        "action": f"{_ROOT}/app/confirm", "secret": secret, "is_required": False,
        "qr": qr_of(secret, email=member.email, brand=brand), "error": refusal.detail if refusal else "",
    }  # fmt: skip
    title = translate("Set up an authenticator app")
    return render_own("tenants/set_up_app.html", title, brand, auth, who, context, refusal)


async def _confirm(  # noqa: PLR0913, PLR0917 - the parts of one form
    request: AnyRequest,
    brand: Brand,
    auth: AuthServices,
    who: SignedIn,
    target: str,
    refusal: DomainError | None = None,
) -> Template:
    async with auth.db.transaction(own_scope(who)) as session:
        passkeys = await count_passkeys(session, who.principal.id)
        provider = await linked_provider(session, who.principal.id)
    challenge = auth.challenges.issue(who.principal.msp_id, CONFIRM, now=auth.clock())
    refused = PasskeyRefused().detail if "refused" in request.query_params else ""
    context = {
        "has_app": await has_app(auth, who), "next": target, "error": refusal.detail if refusal else refused,
        "options": sign_in_options(passkey_host(request), challenge) if passkeys else "",
        "provider": provider.name if provider else "",
    }  # fmt: skip
    return render_own("tenants/confirm.html", translate("Confirm that it is you"), brand, auth, who, context, refusal)


def render_own(  # noqa: PLR0913, PLR0917 - the parts of one page
    template: str,
    title: str,
    brand: Brand,
    auth: AuthServices,
    who: SignedIn,
    context: dict[str, Any],
    refusal: DomainError | None,
) -> Template:
    token = make_token(who.session.secret, auth.new_secret)
    page = Page(brand=brand, title=title, now=auth.clock(), csrf_token=token)
    status = 200 if refusal is None else int(refusal.status)
    retry = {"Retry-After": str(refusal.extra["retry_after"])} if refusal and "retry_after" in refusal.extra else {}
    shown = {"page": page, "refusal": refusal, **context}
    return Template(template, context=shown, status_code=status, headers={**_HEADERS, **retry})


def _sign_in() -> Redirect:
    return Redirect(_SIGN_IN, status_code=303, headers=_HEADERS)


def _confirm_first() -> Redirect:
    return Redirect(f"{CONFIRM_PATH}?next={_ROOT}", status_code=303, headers=_HEADERS)


def _done(message: str) -> Redirect:
    return Redirect(_ROOT, status_code=303, headers=_HEADERS, cookies=done_cookies(message))
