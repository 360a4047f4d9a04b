"""Pages for sign-in and sign-out, under the host's brand."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath
from litestar.response import Redirect, Template

from branding.brand import Brand
from branding.hosts import normal_host, request_origin
from branding.pages import ShownBrand
from branding.shell import Page
from foundation.audit.chain import append_audit
from foundation.errors import DomainError, NotFound
from foundation.i18n.localizer import translate
from foundation.scope import Actor, Scope
from foundation.web.boundary import header_text
from foundation.web.fragments import page_of
from foundation.web.requests import PUBLIC_FORM_BYTES
from tenants.audit_actions import TenantAction
from tenants.auth.csrf import FIELD, make_token, require_same_site
from tenants.auth.device_link import opens
from tenants.auth.devices import LIFE
from tenants.auth.end_impersonation import end_impersonation
from tenants.auth.identity import SignedIn, identify_member
from tenants.auth.impersonation import ENDS_IMPERSONATION, EndCause
from tenants.auth.redirects import safe_next
from tenants.auth.second_step import begin_second_step
from tenants.auth.services import AuthServices
from tenants.auth.sessions import ABSOLUTE, CookieRule, cookie_rule
from tenants.auth.sign_in import Credentials, authenticate
from tenants.auth.sign_out import sign_out_everywhere
from tenants.auth.tickets import LIFE as TICKET_LIFE
from tenants.auth.user_agents import read_agent
from tenants.factors.passkeys import Host
from tenants.identity_providers.queries import find_offer, linked_provider, must_use_provider
from tenants.principal import Principal, home_scope
from tenants.secrets import bytes_of, text_of

AnyRequest = Request[Any, Any, Any]
OpenAuth = NamedDependency[AuthServices]
"""Handler parameter `auth`, filled by `provide_auth`."""

SSO_PATH: Final = "/sign-in/sso"
"""Root of the pages of single sign-on."""
_VISIT_BYTES: Final = 32
_VISIT_SECONDS: Final = 3600
_PRIVATE: Final = {"Cache-Control": "no-store"}
_PUBLIC: Final = {"public": True}


def provide_auth(auth: AuthServices) -> Provide:
    """Provider of the application's dependency `auth`."""
    return Provide(lambda: auth, sync_to_thread=False)


@get("/sign-in", name="sign_in", opt=_PUBLIC, include_in_schema=False)
async def show_sign_in_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    target = _next_page(request, request.query_params.get("next", ""))
    if await find_signed_in(request, brand, auth) is not None:
        return Redirect(target or "/", status_code=303, headers=_PRIVATE)
    return await render_sign_in(request, brand, auth, target=target, expired="expired" in request.query_params)


@post("/sign-in", opt=_PUBLIC, include_in_schema=False, request_max_body_size=PUBLIC_FORM_BYTES)
async def submit_sign_in_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    form = await request.form()
    email, target = form_text(form, "email"), _next_page(request, form_text(form, "next"))
    given = Credentials(msp_of(brand), email, form_text(form, "password"), address_of(request), _device_cookie(request))
    try:
        require_own_form(request, form_text(form, FIELD))
        principal = await authenticate(auth, given)
    except DomainError as refusal:
        return await render_sign_in(request, brand, auth, target=target, email=email, refusal=refusal)
    elsewhere = await require_provider(auth, principal, target)
    return elsewhere or await continue_sign_in(request, brand, auth, principal, target)


@get("/sign-in/device/{token:str}", name="device_link", opt=_PUBLIC, include_in_schema=False)
async def open_device_link_page(
    request: AnyRequest, token: FromPath[str], brand: ShownBrand, auth: OpenAuth
) -> Response[Any]:
    """Target of a device link. It registers the browser and does not sign anyone in, so a mail scanner may open it."""
    if not opens(auth, token, msp_id=msp_of(brand), now=auth.clock()):
        raise NotFound
    rule = _rule_of(request)
    device = auth.devices.adopt(_device_cookie(request), token)
    kept = _cookie(rule, rule.device_name, device, seconds=int(LIFE.total_seconds()))
    return Redirect("/sign-in", status_code=303, headers=_PRIVATE, cookies=[kept])


@post("/sign-out", opt=_PUBLIC | ENDS_IMPERSONATION, include_in_schema=False, request_max_body_size=PUBLIC_FORM_BYTES)
async def sign_out_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    return await _leave(request, brand, auth, _end_this)


@post(
    "/sign-out-everywhere",
    opt=_PUBLIC | ENDS_IMPERSONATION,
    include_in_schema=False,
    request_max_body_size=PUBLIC_FORM_BYTES,
)
async def sign_out_everywhere_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    """End all sessions of the signed-in member, on every device."""
    return await _leave(request, brand, auth, _end_all)


async def _leave(
    request: AnyRequest, brand: Brand, auth: AuthServices, end: Callable[[AuthServices, SignedIn], Awaitable[None]]
) -> Response[Any]:
    """Sign out. Without a session the response is the same page."""
    rule, place = _rule_of(request), "/sign-in"
    signed_in = await find_signed_in(request, brand, auth)
    if signed_in is not None:
        token = form_text(await request.form(), FIELD)
        _require_own_page(request, token, signed_in.session.form_secret)
        place = await _place_after(auth, signed_in)
        await end_impersonation(auth, signed_in.session, EndCause.SIGN_OUT)
        await end(auth, signed_in)
    gone = _cookie(rule, rule.session_name, "", seconds=0)
    return Redirect(place, status_code=303, headers=_PRIVATE, cookies=[gone])


async def _place_after(auth: AuthServices, who: SignedIn) -> str:
    """Address of the page after a sign-out; for a member with single sign-on, of the sign-out at the provider."""
    async with auth.db.transaction(replace(home_scope(who.principal), partner_id=None)) as session:
        linked = await linked_provider(session, who.principal.id)
    return "/sign-in" if linked is None else f"{SSO_PATH}/{linked.account_id}/signed-out"


async def _end_this(auth: AuthServices, who: SignedIn) -> None:
    await auth.sessions.end(who.session)
    async with auth.db.transaction(home_scope(who.principal)) as session:
        append_audit(
            session,
            action=TenantAction.MEMBER_SIGNED_OUT,
            subject=f"member:{who.principal.id}",
            data={},
            at=auth.clock(),
        )


async def _end_all(auth: AuthServices, who: SignedIn) -> None:
    async with auth.db.transaction(home_scope(who.principal)) as session:
        await sign_out_everywhere(session, member_id=who.principal.id, now=auth.clock())
    await auth.sessions.end_all(msp_id=who.principal.msp_id, member_id=who.principal.id)


PAGES: Final = (show_sign_in_page, submit_sign_in_page, open_device_link_page, sign_out_page, sign_out_everywhere_page)


async def find_signed_in(request: AnyRequest, brand: Brand, auth: AuthServices) -> SignedIn | None:
    cookie = _rule_of(request).session_of(request.cookies)
    return await identify_member(auth, msp_id=msp_of(brand), cookie=cookie) if cookie else None


async def continue_sign_in(
    request: AnyRequest, brand: Brand, auth: AuthServices, principal: Principal, target: str
) -> Response[Any]:
    """Continue after the first factor, however it was proved (password, invitation, single sign-on): start the
    session, or request the second factor first.
    """
    step = await begin_second_step(auth, principal, target)
    if step is None:
        return await start_session(request, brand, auth, principal, target)
    rule = _rule_of(request)
    ticket = _cookie(rule, rule.step_name, step.ticket, seconds=int(TICKET_LIFE.total_seconds()))
    return Redirect(step.path, status_code=303, headers=_PRIVATE, cookies=[ticket])


async def require_provider(auth: AuthServices, principal: Principal, target: str) -> Redirect | None:
    """After a password or a passkey: the page that leads to the identity provider, if the account requires single
    sign-on of this member.
    """
    scope = Scope(msp_id=principal.msp_id, tenant_id=principal.tenant_id, actor=principal.actor)
    async with auth.db.transaction(scope) as session:
        if not await must_use_provider(session, principal.id):
            return None
    query = urlencode({"required": "1"} | ({"next": target} if target else {}))
    place = f"{SSO_PATH}/{principal.tenant_id}/continue?{query}"
    return Redirect(place, status_code=303, headers=_PRIVATE)


async def start_session(
    request: AnyRequest, brand: Brand, auth: AuthServices, principal: Principal, target: str
) -> Redirect:
    """Start a new session and end the browser's previous one (session fixation)."""
    before, rule = await find_signed_in(request, brand, auth), _rule_of(request)
    if before is not None:
        await end_impersonation(auth, before.session, EndCause.SIGN_OUT)
        await auth.sessions.end(before.session)
    browser, system = read_agent(header_text(request.scope, b"user-agent"))
    session = await auth.sessions.start(
        msp_id=principal.msp_id, tenant_id=principal.tenant_id, member_id=principal.id, now=auth.clock(),
        browser=browser, system=system,
    )  # fmt: skip
    device = auth.devices.remember(
        _device_cookie(request),
        msp_id=principal.msp_id, tenant_id=principal.tenant_id, member_id=principal.id, now=auth.clock(),
    )  # fmt: skip
    cookies = [
        _cookie(rule, rule.device_name, device, seconds=int(LIFE.total_seconds())),
        _cookie(rule, rule.session_name, session.cookie, seconds=int(ABSOLUTE.total_seconds())),
        _cookie(rule, rule.visit_name, "", seconds=0),
        *([_cookie(rule, rule.step_name, "", seconds=0)] if rule.step_name in request.cookies else []),
    ]
    return Redirect(target or "/", status_code=303, headers=_PRIVATE, cookies=cookies)


async def render_sign_in(  # noqa: PLR0913 - keyword-only
    request: AnyRequest,
    brand: Brand,
    auth: AuthServices,
    *,
    target: str,
    email: str = "",
    expired: bool = False,
    refusal: DomainError | None = None,
) -> Response[Any]:
    msp_account = Scope(msp_id=msp_of(brand), tenant_id=msp_of(brand), actor=Actor.system("sign-in"))
    async with auth.db.transaction(msp_account.for_fleet()) as session:
        offer = await find_offer(session)
    query = f"?{urlencode({'next': target})}" if target else ""
    context = {
        "template": "sign_in.html",
        "provider": offer.own.name if offer.own else "",
        "provider_href": f"{SSO_PATH}/{offer.own.account_id}/start{query}" if offer.own else "",
        "sso_href": f"{SSO_PATH}{query}" if offer.is_used else "",
        "title": translate("Sign in"),
        "action": "/sign-in",
        "email": email,
        "next": target,
        "expired": expired,
        "reset": "reset" in request.query_params,
    }
    return render_form(request, brand, auth, context, refusal=refusal)


def render_form(
    request: AnyRequest, brand: Brand, auth: AuthServices, context: dict[str, Any], *, refusal: DomainError | None
) -> Template:
    """Form for an anonymous visitor: the token is bound to a cookie of this visit."""
    secret = visit_secret(request) or auth.new_secret(_VISIT_BYTES)
    page = Page(brand=brand, title=context["title"], now=auth.clock(), csrf_token=make_token(secret, auth.new_secret))
    retry = {"Retry-After": str(refusal.extra["retry_after"])} if refusal and "retry_after" in refusal.extra else {}
    return Template(
        context["template"],
        context={"page": page, "error": refusal.detail if refusal else "", **context},
        status_code=int(refusal.status) if refusal else 200,
        headers={**_PRIVATE, **retry},
        cookies=[visit_cookie(request, secret)],
    )


def require_own_form(request: AnyRequest, token: str) -> None:
    _require_own_page(request, token, visit_secret(request))


def _require_own_page(request: AnyRequest, token: str, secret: bytes | None) -> None:
    origin = request_origin(request.scope)
    require_same_site(method=request.method, headers=request.headers, origin=origin, token=token, secret=secret)


def passkey_host(request: AnyRequest) -> Host:
    """The brand's own host, which is the relying party of passkeys."""
    return Host(normal_host(header_text(request.scope, b"host")), request_origin(request.scope))


def step_ticket(request: AnyRequest) -> str:
    """Text of the ticket of a sign-in that needs a second factor."""
    return request.cookies.get(_rule_of(request).step_name, "")


def visit_secret(request: AnyRequest) -> bytes | None:
    """Secret of a browser that is not signed in, from its cookie."""
    return bytes_of(request.cookies.get(_rule_of(request).visit_name, ""), _VISIT_BYTES)


def visit_cookie(request: AnyRequest, secret: bytes) -> Cookie:
    rule = _rule_of(request)
    return _cookie(rule, rule.visit_name, text_of(secret), seconds=_VISIT_SECONDS)


def _device_cookie(request: AnyRequest) -> str:
    return request.cookies.get(_rule_of(request).device_name, "")


def _rule_of(request: AnyRequest) -> CookieRule:
    return cookie_rule(scheme=request.scope["scheme"], host=header_text(request.scope, b"host"))


def _cookie(rule: CookieRule, name: str, value: str, *, seconds: int) -> Cookie:
    return Cookie(key=name, value=value, path="/", max_age=seconds, secure=rule.secure, httponly=True, samesite="lax")


def address_of(request: AnyRequest) -> str:
    return request.client.host if request.client is not None else ""


def _next_page(request: AnyRequest, target: str) -> str:
    """Redirect target. Never a page fragment, even if the address names one."""
    return safe_next(page_of(request, safe_next(target)))


def form_text(form: Any, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def msp_of(brand: Brand) -> UUID:
    if brand.msp_id is None:
        raise NotFound
    return brand.msp_id
