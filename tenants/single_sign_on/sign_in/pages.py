"""Public pages of single sign-on: to the provider, back from it, and the proof for dangerous acts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from branding.brand import Brand
from branding.pages import ShownBrand
from foundation.errors import DomainError, InvalidInput, NotFound
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.scope import Scope
from foundation.web.flash import done_cookies
from foundation.web.requests import PUBLIC_FORM_BYTES
from tenants.auth.csrf import FIELD
from tenants.auth.identity import SignedIn
from tenants.auth.pages import (
    SSO_PATH,
    AnyRequest,
    OpenAuth,
    address_of,
    continue_sign_in,
    form_text,
    msp_of,
    render_form,
    render_sign_in,
    require_own_form,
    start_session,
    visit_cookie,
    visit_secret,
)
from tenants.auth.redirects import safe_next
from tenants.auth.sign_in import read_email
from tenants.auth.step_up import CONFIRM_PATH
from tenants.auth.throttle import SignInAttempt
from tenants.identity_providers.models import IdentityProvider
from tenants.identity_providers.queries import find_by_domain, find_provider, linked_provider
from tenants.identity_providers.states import OFFERED
from tenants.security.own import own_scope
from tenants.security.pages import signed_in_member
from tenants.single_sign_on.enter import confirm_identity, enter_account
from tenants.single_sign_on.flow import (
    PendingRedirect,
    ProviderAnswer,
    Purpose,
    account_scope,
    begin_redirect,
    read_identity,
    take_pending,
)
from tenants.single_sign_on.service import SingleSignOn
from tenants.single_sign_on.trial import TRIAL_TICKET, TrialTicket, finish_trial
from tenants.web.links import portal_of

_PUBLIC: Final = {"public": True}
_PRIVATE: Final = {"Cache-Control": "no-store"}
_ONE: Final = f"{SSO_PATH}/{{account_id:uuid}}"
_SECRET_BYTES: Final = 32
_PAGE: Final[dict[str, Any]] = {"opt": _PUBLIC, "include_in_schema": False}


@dataclass(frozen=True, slots=True)
class _Notice:
    """A page with one sentence and one link. `refresh`: the link is followed at once."""

    title: str
    text: str
    href: str
    label: str
    refresh: bool = False
    refusal: DomainError | None = None


def build_sign_in_pages(sso: SingleSignOn) -> tuple[HTTPRouteHandler, ...]:
    return (*_build_entrance(sso), *_build_start(sso), *_build_sign_out(sso), *_build_return(sso))


def _build_entrance(sso: SingleSignOn) -> tuple[HTTPRouteHandler, ...]:
    @get(SSO_PATH, name="single_sign_on", **_PAGE)
    async def show_email_page(request: AnyRequest, brand: ShownBrand) -> Response[Any]:
        return _email_form(request, brand, sso, _target(request.query_params))

    @post(SSO_PATH, request_max_body_size=PUBLIC_FORM_BYTES, **_PAGE)
    async def submit_email_page(request: AnyRequest, brand: ShownBrand) -> Response[Any]:
        """The address leads to its domain's provider. The response is a page, as forms may not lead to other sites."""
        form = await request.form()
        email, target = form_text(form, "email"), safe_next(form_text(form, "next"))
        fleet = account_scope(msp_of(brand), msp_of(brand)).for_fleet()
        try:
            require_own_form(request, form_text(form, FIELD))
            async with sso.auth.db.transaction(fleet) as session:
                found = await find_by_domain(session, read_email(email).rpartition("@")[2])
            if found is None:
                raise InvalidInput(
                    N_("Single sign-on is not set up for this address. Sign in with your password."), field="email"
                )
        except DomainError as refusal:
            return _email_form(request, brand, sso, target, email, refusal)
        place = f"{SSO_PATH}/{found.account_id}/continue{_query(target)}"
        return Redirect(place, status_code=303, headers=_PRIVATE)

    @get(f"{_ONE}/continue", name="continue_single_sign_on", **_PAGE)
    async def show_continue_page(request: AnyRequest, account_id: FromPath[UUID], brand: ShownBrand) -> Response[Any]:
        provider = await _offered(sso, brand, account_id)
        target, required = _target(request.query_params), "required" in request.query_params
        text = (
            translate("Your account requires that you sign in with {provider}.", provider=provider.name)
            if required
            else translate("You are taken to {provider}.", provider=provider.name)
        )
        label = translate("Continue to {provider}", provider=provider.name)
        href = f"{SSO_PATH}/{account_id}/start{_query(target)}"
        notice = _Notice(translate("Single sign-on"), text, href, label, refresh=not required)
        return _show(request, brand, sso, notice)

    return (show_email_page, submit_email_page, show_continue_page)


def _build_start(sso: SingleSignOn) -> tuple[HTTPRouteHandler, ...]:
    @get(f"{_ONE}/start", name="start_single_sign_on", **_PAGE)
    async def start_page(
        request: AnyRequest, account_id: FromPath[UUID], brand: ShownBrand, auth: OpenAuth
    ) -> Response[Any]:
        """Redirect to the provider: to sign in, or as a trial that an administrator began."""
        scope = account_scope(msp_of(brand), account_id)
        if "trial" in request.query_params:
            return await _start_trial(request, brand, sso, scope)
        secret, target = visit_secret(request) or auth.new_secret(_SECRET_BYTES), _target(request.query_params)
        try:
            attempt = await auth.throttle.reserve_redirect(
                msp_id=scope.msp_id, account_id=account_id, address=address_of(request), now=auth.clock()
            )
            address = await begin_redirect(
                sso, scope, purpose=Purpose.SIGN_IN, browser=secret, target=target,
                origin=portal_of(request, brand).origin, counted=attempt.keys,
            )  # fmt: skip
        except NotFound:
            raise
        except DomainError as refusal:
            return await render_sign_in(request, brand, auth, target=target, refusal=refusal)
        return Redirect(address, status_code=303, headers=_PRIVATE, cookies=[visit_cookie(request, secret)])

    @get(f"{CONFIRM_PATH}/sso", name="confirm_by_single_sign_on", **_PAGE)
    async def confirm_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
        who = await signed_in_member(request, brand, auth)
        target = _target(request.query_params)
        back = f"{CONFIRM_PATH}{_query(target)}"
        if who is None:
            return Redirect("/sign-in", status_code=303, headers=_PRIVATE)
        async with auth.db.transaction(own_scope(who)) as session:
            linked = await linked_provider(session, who.principal.id)
        if linked is None:
            return Redirect(back, status_code=303, headers=_PRIVATE)
        try:
            address = await begin_redirect(
                sso, account_scope(msp_of(brand), linked.account_id), purpose=Purpose.CONFIRM,
                browser=who.session.secret, target=target, origin=portal_of(request, brand).origin,
            )  # fmt: skip
        except DomainError as refusal:
            return _show(request, brand, sso, _failed(back, refusal))
        return Redirect(address, status_code=303, headers=_PRIVATE)

    return (start_page, confirm_page)


def _build_sign_out(sso: SingleSignOn) -> tuple[HTTPRouteHandler, ...]:
    @get(f"{_ONE}/signed-out", name="signed_out", **_PAGE)
    async def show_signed_out_page(request: AnyRequest, account_id: FromPath[UUID], brand: ShownBrand) -> Response[Any]:
        provider = await _offered(sso, brand, account_id)
        text = translate("You are signed out here. At {provider} you may still be signed in.", provider=provider.name)
        label = translate("Sign out at {provider}", provider=provider.name)
        notice = _Notice(translate("Signed out"), text, f"{SSO_PATH}/{account_id}/sign-out", label)
        return _show(request, brand, sso, notice)

    @get(f"{_ONE}/sign-out", name="sign_out_at_provider", **_PAGE)
    async def sign_out_at_provider_page(
        request: AnyRequest, account_id: FromPath[UUID], brand: ShownBrand
    ) -> Response[Any]:
        """Sign-out at the provider (RP-Initiated Logout 1.0); the sign-in page, if the provider has none."""
        provider, place = await _offered(sso, brand, account_id), "/sign-in"
        metadata = await sso.cache.metadata(account_id, provider.issuer)
        if end := metadata.end_session_endpoint:
            after = f"{portal_of(request, brand).origin}/sign-in"
            query = urlencode({"client_id": provider.client_id, "post_logout_redirect_uri": after})
            place = f"{end}{'&' if '?' in end else '?'}{query}"
        return Redirect(place, status_code=303, headers=_PRIVATE)

    return (show_signed_out_page, sign_out_at_provider_page)


def _build_return(sso: SingleSignOn) -> tuple[HTTPRouteHandler, ...]:
    @get(f"{_ONE}/callback", name="single_sign_on_callback", **_PAGE)
    async def callback_page(
        request: AnyRequest, account_id: FromPath[UUID], brand: ShownBrand, auth: OpenAuth
    ) -> Response[Any]:
        async with auth.db.transaction(account_scope(msp_of(brand), account_id)) as session:
            if await find_provider(session) is None:
                raise NotFound
        who = await signed_in_member(request, brand, auth)
        secrets = (visit_secret(request), who.session.secret if who else None)
        answer = ProviderAnswer(
            msp_of(brand), account_id, tuple(one for one in secrets if one is not None), dict(request.query_params)
        )
        try:
            pending = await take_pending(sso, answer)
        except DomainError as refusal:
            return await render_sign_in(request, brand, auth, target="", refusal=refusal)
        if pending.purpose is Purpose.TRIAL:
            place = await finish_trial(sso, answer, pending)
            return Redirect(place, status_code=303, headers=_PRIVATE)
        if pending.purpose is Purpose.CONFIRM:
            return await _confirm(request, brand, sso, answer, pending, who)
        try:
            identity = await read_identity(sso, answer, pending)
            scope = account_scope(answer.msp_id, account_id)
            entered = await enter_account(sso, scope, identity, address=address_of(request))
        except DomainError as refusal:
            return await render_sign_in(request, brand, auth, target=pending.target, refusal=refusal)
        if pending.counted:
            await auth.throttle.release(SignInAttempt(pending.counted))
        go_on = start_session if entered.checks_factors else continue_sign_in
        return await go_on(request, brand, auth, entered.principal, pending.target)

    return (callback_page,)


async def _confirm(  # noqa: PLR0913, PLR0917 - the parts of one answer
    request: AnyRequest,
    brand: Brand,
    sso: SingleSignOn,
    answer: ProviderAnswer,
    pending: PendingRedirect,
    who: SignedIn | None,
) -> Response[Any]:
    back = f"{CONFIRM_PATH}{_query(pending.target)}"
    if who is None:
        return Redirect("/sign-in", status_code=303, headers=_PRIVATE)
    try:
        await confirm_identity(sso, who, await read_identity(sso, answer, pending))
    except DomainError as refusal:
        return _show(request, brand, sso, _failed(back, refusal))
    done = done_cookies(translate("Confirmed. Repeat the action now."))
    return Redirect(pending.target or "/", status_code=303, headers=_PRIVATE, cookies=done)


async def _start_trial(request: AnyRequest, brand: Brand, sso: SingleSignOn, scope: Scope) -> Response[Any]:
    """Begin a trial. The ticket was issued to an administrator of the account, whose browser this has to be."""
    who = await signed_in_member(request, brand, sso.auth)
    given = request.query_params["trial"]
    ticket = await sso.auth.tickets.take(scope.msp_id, TRIAL_TICKET, given, TrialTicket)
    if ticket is None or who is None or (ticket.account_id, ticket.member_id) != (scope.tenant_id, who.principal.id):
        raise NotFound
    try:
        address = await begin_redirect(
            sso, scope, purpose=Purpose.TRIAL, browser=who.session.secret, target=ticket.page,
            origin=portal_of(request, brand).origin,
        )  # fmt: skip
    except DomainError as refusal:
        return _show(request, brand, sso, _failed(ticket.page, refusal))
    return Redirect(address, status_code=303, headers=_PRIVATE)


async def _offered(sso: SingleSignOn, brand: Brand, account_id: UUID) -> IdentityProvider:
    """Raises: NotFound."""
    async with sso.auth.db.transaction(account_scope(msp_of(brand), account_id)) as session:
        provider = await find_provider(session)
    if provider is None or provider.mode not in OFFERED:
        raise NotFound
    return provider


def _failed(back: str, refusal: DomainError) -> _Notice:
    return _Notice(refusal.heading, "", back, translate("Back"), refusal=refusal)


def _show(request: AnyRequest, brand: Brand, sso: SingleSignOn, notice: _Notice) -> Response[Any]:
    context = {
        "template": "tenants/single_sign_on_notice.html", "title": notice.title, "text": notice.text,
        "href": notice.href, "label": notice.label,
    }  # fmt: skip
    page = render_form(request, brand, sso.auth, context, refusal=notice.refusal)
    if notice.refresh:
        # A header, as the page needs no script, and as a redirect that follows a form may not leave the site.
        page.headers["Refresh"] = f"0;url={notice.href}"
    return page


def _email_form(  # noqa: PLR0913, PLR0917 - the parts of one form
    request: AnyRequest,
    brand: Brand,
    sso: SingleSignOn,
    target: str,
    email: str = "",
    refusal: DomainError | None = None,
) -> Response[Any]:
    context = {
        "template": "tenants/single_sign_on.html", "title": translate("Single sign-on"), "next": target, "email": email,
    }  # fmt: skip
    return render_form(request, brand, sso.auth, context, refusal=refusal)


def _target(query: Mapping[str, str]) -> str:
    return safe_next(query.get("next", ""))


def _query(target: str) -> str:
    return f"?{urlencode({'next': target})}" if target else ""
