"""Pages of the second step of sign-in, of its set-up where it is required, and of the rules of an account."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect, Template
from markupsafe import Markup

from branding.brand import Brand
from branding.pages import ShownBrand
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.scope import Actor, Scope
from foundation.web.actions import run_action
from foundation.web.render import redirect_to, render_page
from foundation.web.requests import PUBLIC_FORM_BYTES
from policy.role_labels import role_label
from policy.role_repository import role_names
from tenants.access import Access
from tenants.auth.csrf import FIELD
from tenants.auth.pages import (
    OpenAuth,
    address_of,
    form_text,
    msp_of,
    render_form,
    require_own_form,
    start_session,
    step_ticket,
)
from tenants.auth.second_step import (
    CODE_PATH,
    SET_UP_PATH,
    PendingSignIn,
    SignInExpired,
    complete_second_step,
    find_pending,
    finish_step,
)
from tenants.auth.services import AuthServices
from tenants.auth.step_up import STEP_UP
from tenants.factors.rules import EVERYBODY, list_rules, remove_rule, roles_of_account, set_rule
from tenants.factors.totp import draw_qr, provisioning_uri
from tenants.members.pages import render_member
from tenants.members.repository import get_member
from tenants.permissions import TenantPermission
from tenants.second_factor.change_factors import reset_factors, set_up_app
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of

AnyRequest = Request[Any, Any, Any]
_PUBLIC: Final = {"public": True}
_HEADERS: Final = {"Cache-Control": "no-store"}
_AGAIN: Final = "/sign-in?expired=1"
_INVITE: Final = {"permission": TenantPermission.INVITE_MEMBERS} | STEP_UP
_READ: Final = {"permission": TenantPermission.READ_MEMBERS}
_WRITE: Final = {"permission": TenantPermission.WRITE_SIGN_IN_RULES} | STEP_UP
_ROOTS: Final = ["/members", "/clients/{client:str}/members"]
_RULES: Final = [f"{path}/sign-in-rules" for path in _ROOTS]
_ADMIN: Final = Actor.system("second-factor")


@get(CODE_PATH, name="second_step", opt=_PUBLIC, include_in_schema=False)
async def show_second_step_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    try:
        await find_pending(auth, msp_of(brand), step_ticket(request), sets_up=False)
    except SignInExpired:
        return Redirect(_AGAIN, status_code=303, headers=_HEADERS)
    return _code_form(request, brand, auth)


@post(CODE_PATH, opt=_PUBLIC, include_in_schema=False, request_max_body_size=PUBLIC_FORM_BYTES)
async def submit_second_step_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    form = await request.form()
    try:
        require_own_form(request, form_text(form, FIELD))
        principal, target = await complete_second_step(
            auth, portal_of(request, brand), msp_id=msp_of(brand), ticket=step_ticket(request),
            typed=form_text(form, "code"), address=address_of(request),
        )  # fmt: skip
    except SignInExpired:
        return Redirect(_AGAIN, status_code=303, headers=_HEADERS)
    except DomainError as refusal:
        return _code_form(request, brand, auth, refusal)
    return await start_session(request, brand, auth, principal, target)


@get(SET_UP_PATH, name="sign_in_set_up", opt=_PUBLIC, include_in_schema=False)
async def show_set_up_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    """Set-up page for members who need a second factor and have none."""
    try:
        pending = await find_pending(auth, msp_of(brand), step_ticket(request), sets_up=True)
    except SignInExpired:
        return Redirect(_AGAIN, status_code=303, headers=_HEADERS)
    return await _set_up_form(request, brand, auth, pending)


@post(SET_UP_PATH, opt=_PUBLIC, include_in_schema=False, request_max_body_size=PUBLIC_FORM_BYTES)
async def submit_set_up_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    """The response shows the recovery codes, once, and starts the session."""
    form, ticket = await request.form(), step_ticket(request)
    try:
        pending = await find_pending(auth, msp_of(brand), ticket, sets_up=True)
        require_own_form(request, form_text(form, FIELD))
    except SignInExpired:
        return Redirect(_AGAIN, status_code=303, headers=_HEADERS)
    scope = _scope(brand, pending)
    try:
        async with auth.db.transaction(scope) as session:
            codes = await set_up_app(
                session, auth, pending.member_id, form_text(form, "code"), portal=portal_of(request, brand),
                now=auth.clock(),
            )  # fmt: skip
    except DomainError as refusal:
        return await _set_up_form(request, brand, auth, pending, refusal)
    principal, target = await finish_step(auth, scope, ticket, pending)
    started = await start_session(request, brand, auth, principal, target)
    answer = render_codes(request, brand, auth, codes, target or "/")
    answer.cookies = [*answer.cookies, *started.cookies]
    return answer


@get(_RULES, name="sign_in_rules", opt=_READ, include_in_schema=False)
async def show_sign_in_rules_page(access: OpenAccess) -> Response[Any]:
    return await _rules_page(access)


@post(_RULES, opt=_WRITE, include_in_schema=False)
async def set_sign_in_rule_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    role = str((await request.form()).get("role", ""))
    refusal = await run_action(access.session, set_rule(access.session, role, now=access.now))
    if refusal is not None:
        return await _rules_page(access, refusal)
    return redirect_to(access, "/members/sign-in-rules", done=translate("Saved"))


@post([f"{path}/{{role:str}}/remove" for path in _RULES], opt=_WRITE, include_in_schema=False)
async def remove_sign_in_rule_page(access: OpenAccess, role: FromPath[str]) -> Response[Any]:
    await remove_rule(access.session, role, now=access.now)
    return redirect_to(access, "/members/sign-in-rules", done=translate("Saved"))


@post([f"{path}/{{member_id:uuid}}/second-factor/reset" for path in _ROOTS], opt=_INVITE, include_in_schema=False)
async def reset_factors_page(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]
) -> Response[Any]:
    await get_member(access.session, member_id)
    portal = portal_of(request, access.brand)
    resetting = reset_factors(access.session, auth, access.principal, member_id, portal=portal, now=access.now)
    refusal = await run_action(access.session, resetting)
    if refusal is not None:
        return await render_member(access, auth, member_id, refusal)
    return redirect_to(access, f"/members/{member_id}", done=translate("Second factors removed"))


SECOND_FACTOR_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_second_step_page,
    submit_second_step_page,
    show_set_up_page,
    submit_set_up_page,
    show_sign_in_rules_page,
    set_sign_in_rule_page,
    remove_sign_in_rule_page,
    reset_factors_page,
)


def render_codes(request: AnyRequest, brand: Brand, auth: AuthServices, codes: Sequence[str], target: str) -> Template:
    """The recovery codes, shown once. `target` is the page to go on to."""
    context = {
        "template": "tenants/recovery_codes.html", "title": translate("Recovery codes"), "codes": codes,
        "next": target,
    }  # fmt: skip
    return render_form(request, brand, auth, context, refusal=None)


def qr_of(secret: str, *, email: str, brand: Brand) -> Markup:
    return Markup(draw_qr(provisioning_uri(secret, email=email, issuer=brand.name)))  # noqa: S704 - drawn by the library


def _code_form(
    request: AnyRequest, brand: Brand, auth: AuthServices, refusal: DomainError | None = None
) -> Response[Any]:
    context = {"template": "tenants/second_step.html", "title": translate("Second step")}
    return render_form(request, brand, auth, context, refusal=refusal)


async def _set_up_form(
    request: AnyRequest, brand: Brand, auth: AuthServices, pending: PendingSignIn, refusal: DomainError | None = None
) -> Response[Any]:
    async with auth.db.transaction(_scope(brand, pending)) as session:
        member = await get_member(session, pending.member_id)
        secret = await auth.factors.begin(session, pending.member_id, now=auth.clock())
    context = {
        "template": "tenants/set_up_app.html", "title": translate("Set up an authenticator app"),
        "action": SET_UP_PATH, "secret": secret, "qr": qr_of(secret, email=member.email, brand=brand),
        "is_required": True,
    }  # fmt: skip
    return render_form(request, brand, auth, context, refusal=refusal)


async def _rules_page(access: Access, refusal: DomainError | None = None) -> Response[Any]:
    rules = await list_rules(access.session)
    named = {rule.role for rule in rules}
    roles = [role for role in await roles_of_account(access.session) if role not in named]
    names = await role_names(access.session)
    context = {
        "rules": [(rule, write_rule(rule.role, names)) for rule in rules],
        "roles": [(role, write_rule(role, names)) for role in roles],
        "error": refusal.detail if refusal else "",
    }
    return render_page(access, "tenants/sign_in_rules.html", translate("Sign-in rules"), context, refusal=refusal)


def write_rule(role: str, names: Mapping[str, str]) -> str:
    return translate("Every member") if role == EVERYBODY else role_label(role, names)


def _scope(brand: Brand, pending: PendingSignIn) -> Scope:
    return Scope(msp_id=msp_of(brand), tenant_id=pending.tenant_id, actor=_ADMIN)
