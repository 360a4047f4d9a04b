"""Request authorization to `Access`, in one transaction: host to brand, cookie or key to principal, path to scope,
policy to admission.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard
from sqlalchemy.ext.asyncio import AsyncSession

from branding.brand import Brand
from branding.client_brands import read_client_brand
from branding.directory import BrandDirectory
from branding.hosts import request_origin
from branding.shell import Account, NavGroup, is_boosted, is_page, mark_current
from controlplane.navigation import build_menu, first_page
from controlplane.services import Services
from controlplane.web.brands import find_shown_brand, forget_changed_brand
from controlplane.web.default_view import NOTICES
from controlplane.web.idempotency import idempotent_request, key_of
from controlplane.web.impersonation import BANNER, concerns_sessions, end_where_refused, find_onlookers, require_allowed
from foundation.database.engine import change_scope, scope_of
from foundation.errors import NotFound, Unauthenticated
from foundation.i18n.localizer import current_localizer, translate, use_localizer
from foundation.i18n.negotiation import localizer_of
from foundation.marks import N_
from foundation.rooms import Rooms
from foundation.scope import Scope
from foundation.web.answer_headers import RATE
from foundation.web.boundary import header_text, single_header
from foundation.web.fragments import require_part
from foundation.web.lists import list_of
from foundation.web.parameters import check_parameters
from foundation.web.rate_limit import RateLimited
from foundation.web.requests import check_body
from policy.index import PolicyIndex
from policy.redaction import hide_elements
from tenants.access import Access, AfterCommit
from tenants.accounts import get_client, get_client_by_slug, get_msp
from tenants.auth.csrf import FIELD, HEADER, SAFE_METHODS, make_token, require_same_site
from tenants.auth.identity import Caller, find_caller, find_key_creator, identify
from tenants.auth.impersonation import END_OPTION
from tenants.auth.key_authentication import note_refused_use
from tenants.auth.services import AuthServices
from tenants.auth.sessions import Session, cookie_rule
from tenants.auth.step_up import OPTION, require_recent_proof
from tenants.delegated_access.admission import admit_staff, admits_always
from tenants.delegated_access.errors import AccessNeeded
from tenants.hidden_values import find_hidden
from tenants.impersonation.look_as import look_as, require_still_allowed
from tenants.list_views.queries import load_page_views
from tenants.models import Client
from tenants.principal import Principal, fleet_scope, home_scope, scope_for
from tenants.web.before import BEFORE, BeforeTransaction

AnyRequest = Request[Any, Any, Any]
AnyConnection = ASGIConnection[Any, Any, Any, Any]
_SIGN_IN = N_("Sign in to see this.")


class SignInRequired(Unauthenticated):
    """No session. Pages answer with the sign-in page, the API with 401."""


def authenticate_first(services: Services, brands: BrandDirectory) -> Guard:
    """Guard: authenticates the caller of a protected route before its body is read or parsed."""

    async def guard(connection: AnyConnection, handler: BaseRouteHandler) -> None:
        require_part(connection)
        if "permission" not in handler.opt:
            if concerns_sessions(connection, handler):
                session = await _find_session(services.auth, brands, connection)
                await require_allowed(services.auth, connection, handler, session)
            return
        _, caller = await _brand_and_caller(services.auth, brands, connection)
        await require_allowed(services.auth, connection, handler, caller.session)
        check_parameters(connection, handler, strict=connection.scope["path"].startswith("/api/"))
        if connection.scope.get("method") not in SAFE_METHODS:
            await _require_live_key(services.auth, caller)

    return guard


async def _brand_and_caller(
    auth: AuthServices, brands: BrandDirectory, connection: AnyConnection
) -> tuple[Brand, Caller]:
    """Brand and caller, cached per request."""
    known: tuple[Brand, Caller] | None = connection.state.get("brand_and_caller")
    if known is None:
        brand, msp_id = await _brand(brands, connection)
        known = connection.state.brand_and_caller = (brand, await _caller(auth, connection, msp_id))
    return known


async def _find_session(auth: AuthServices, brands: BrandDirectory, connection: AnyConnection) -> Session | None:
    """The session of a public route's caller. A key in the header is ignored."""
    cookie = session_cookie(connection)
    if not cookie:
        return None
    _, msp_id = await _brand(brands, connection)
    return await auth.sessions.find(cookie, msp_id=msp_id, now=auth.clock())


async def _require_live_key(auth: AuthServices, caller: Caller) -> None:
    """Check that an API key is still live: its text alone proves nothing. A session was already found in the store."""
    if caller.key is None:
        return
    async with _noting_refusals(auth, caller), auth.db.transaction(caller.scope) as session:
        await _principal(session, auth, caller)


def provide_access(services: Services, brands: BrandDirectory) -> Provide:
    async def access(request: AnyRequest) -> AsyncGenerator[Access, None]:
        brand, caller = await _brand_and_caller(services.auth, brands, request)
        await _receive(request, caller.session)
        await _run_before(services, request, caller)
        noting = _noting_refusals(services.auth, caller)
        async with noting as after_commit, services.db.transaction(caller.scope) as session:
            after_commit.extend(forget_changed_brand(brands, request, caller.scope.msp_id))
            itself = bool(request.route_handler.opt.get(END_OPTION))
            principal = await _principal(session, services.auth, caller, itself=itself)
            await _count_request(services.auth, request, principal)
            _use_language(request, principal)
            token = make_token(caller.session.form_secret, services.auth.new_secret) if caller.session else ""
            views = await load_page_views(session, principal, _list_of(request), token)
            client = await _enter(session, request, principal)
            principal = await _admit(session, services.auth, request, principal, client)
            await _hide_values(session, services.auth, principal)
            index = _policy(principal)
            principal.require(str(request.route_handler.opt["permission"]))
            if OPTION in request.route_handler.opt:
                require_recent_proof(caller.session, services.auth.clock())
            opened = Access(
                session=session,
                scope=scope_of(session),
                principal=principal,
                brand=await _shown_brand(session, request, client, brand),
                index=index,
                now=services.auth.clock(),
                nav=await _nav(session, services.rooms, request, principal, client),
                account=await _account(session, principal, client, brand),
                csrf_token=token,
                signed_in=caller.session,
                looks_as=request.scope["state"].get(BANNER),
                onlookers=await find_onlookers(services.auth, request, principal, client),
                after_commit=after_commit,
                boosted=is_boosted(request.headers),
                enter_home=partial(change_scope, session, home_scope(principal)),
                leave_partner=partial(change_scope, session, replace(scope_of(session), partner_id=None)),
                enter_account=partial(_enter_account, session, services.auth, principal),
                enter_fleet=partial(_enter_fleet, session, services.auth, principal),
                client=client,
                notices=request.scope["state"].get(NOTICES, ()),
                list_views=views,
            )
            own = home_scope(principal) if opened.scope.fleet else opened.scope  # the fleet's scope only reads
            async with idempotent_request(session, services.vault, request, services.auth.clock, account=own) as result:
                await check_body(request)
                yield opened
        if result.refusal is not None:
            raise result.refusal

    return Provide(access)


async def _shown_brand(session: AsyncSession, request: AnyRequest, client: Client | None, brand: Brand) -> Brand:
    """The brand of the host, with the client's own parts on its pages."""
    if client is None or request.scope["path"].startswith("/api/"):
        return brand
    return (await read_client_brand(session)).over(brand)


async def _run_before(services: Services, request: AnyRequest, caller: Caller) -> None:
    """The route's call of another system, once its caller may use the route."""
    before: BeforeTransaction | None = request.route_handler.opt.get(BEFORE)
    if before is None or not await before.concerns(request):
        return
    async with _noting_refusals(services.auth, caller):
        async with services.db.transaction(caller.scope) as session:
            principal = await _principal(session, services.auth, caller)
            await _count_request(services.auth, request, principal)
            client = await _enter(session, request, principal)
            principal = await _admit(session, services.auth, request, principal, client)
            principal.require(str(request.route_handler.opt["permission"]))
            if OPTION in request.route_handler.opt:
                require_recent_proof(caller.session, services.auth.clock())
            scope = scope_of(session)
        await before.run(request, scope)


async def _count_request(auth: AuthServices, request: AnyRequest, principal: Principal) -> None:
    """Count a request to the API once, after its caller is authenticated, so that nobody spends another's limit.

    Raises:
        RateLimited: the limit of the caller or of its account is spent.
    """
    if auth.limiter is None or RATE in request.scope["state"] or not request.scope["path"].startswith("/api/"):
        return
    by = principal.impersonator or principal
    state, wait = await auth.limiter.take(
        msp_id=by.msp_id, tenant_id=by.tenant_id, caller=str(by.id), limits=by.limits, is_counted=by.kind == "machine"
    )
    request.scope["state"][RATE] = state
    if wait:
        raise RateLimited(wait)


def _use_language(request: AnyRequest, principal: Principal) -> None:
    """The reader's language and time zone; on the API the language is that of Accept-Language."""
    language = current_localizer().language
    is_api = request.scope["path"].startswith("/api/")
    use_localizer(localizer_of(language if is_api else principal.language or language, principal.time_zone))


def provide_home(services: Services, brands: BrandDirectory) -> Provide:
    """Start page address of the signed-in member."""

    async def home(request: AnyRequest) -> str:
        _, msp_id = await _brand(brands, request)
        caller = await _caller(services.auth, request, msp_id)
        async with _noting_refusals(services.auth, caller), services.db.transaction(caller.scope) as session:
            principal = await _principal(session, services.auth, caller)
        return first_page(services.rooms, principal)

    return Provide(home)


def session_cookie(request: AnyConnection) -> str:
    rule = cookie_rule(scheme=request.scope["scheme"], host=header_text(request.scope, b"host"))
    return rule.session_of(request.cookies)


async def _brand(brands: BrandDirectory, request: AnyConnection) -> tuple[Brand, UUID]:
    brand = await find_shown_brand(brands, request)
    if brand.msp_id is None:
        raise NotFound
    return brand, brand.msp_id


async def _caller(auth: AuthServices, request: AnyConnection, msp_id: UUID) -> Caller:
    caller = await find_caller(
        auth,
        msp_id=msp_id,
        authorization=single_header(request.scope, b"authorization"),
        cookie=session_cookie(request),
    )
    if caller is None:
        raise SignInRequired(_SIGN_IN)
    return caller


async def _receive(request: AnyRequest, session: Session | None) -> None:
    """Receive the full request before the transaction, so that a slow sender holds no connection.

    Raises:
        CrossSiteRequest: a browser sent the request from another site.
        KeyMalformed: the `Idempotency-Key` is invalid.
    """
    if request.method in SAFE_METHODS:
        return
    key_of(request)
    await request.body()
    if session is None:
        return
    token = request.headers.get(HEADER, "")
    if not token and request.content_type[0] in ("application/x-www-form-urlencoded", "multipart/form-data"):
        token = str((await request.form()).get(FIELD, ""))
    require_same_site(
        method=request.method,
        headers=request.headers,
        origin=request_origin(request.scope),
        token=token,
        secret=session.form_secret,
    )


@asynccontextmanager
async def _noting_refusals(auth: AuthServices, caller: Caller) -> AsyncIterator[list[AfterCommit]]:
    """Audit refusals outside the transaction, which is rolled back when the request is refused. Yields a list for
    actions after the commit.
    """
    later: list[AfterCommit] = []
    try:
        yield later
    except Exception as refusal:
        if caller.key is not None:
            async with auth.db.transaction(caller.scope) as session:
                await note_refused_use(session, auth, caller.key)
        await end_where_refused(auth, caller.session, refusal)
        raise
    for each in later:
        await each()


async def _principal(session: AsyncSession, auth: AuthServices, caller: Caller, *, itself: bool = False) -> Principal:
    """The caller; during an impersonation the impersonated member, unless `itself` is set."""
    principal = await identify(session, auth, caller)
    if principal is None:
        raise SignInRequired(_SIGN_IN)
    acting = None if caller.session is None or itself else caller.session.acting
    if acting is not None:
        now = auth.clock()
        require_still_allowed(principal, acting, now)
        await change_scope(session, home_scope(principal).for_tenant(acting.tenant_id))
        return await look_as(session, auth.policies, principal, acting, now=now)
    if principal.on_behalf_of_id is None or principal.on_behalf_of_home == principal.tenant_id:
        return principal
    # A key that staff created for a client: their current rights are in the MSP account.
    await change_scope(session, caller.scope.for_tenant(principal.msp_id))
    return await find_key_creator(session, auth, principal)


async def _enter(session: AsyncSession, request: AnyRequest, principal: Principal) -> Client | None:
    """Change to the scope of the requested account. Returns the client in the path.

    Raises:
        NotFound: the client does not belong to the principal.
    """
    slug = request.path_params.get("client")
    client = await _find_client(session, principal, str(slug)) if slug is not None else None
    await change_scope(session, _scope(request, principal, client))
    return client


async def _admit(
    session: AsyncSession, auth: AuthServices, request: AnyRequest, principal: Principal, client: Client | None
) -> Principal:
    """The principal with its rights in the client. A route with `requests_access` is for staff who have none yet.

    Raises:
        AccessNeeded: the client admits staff on request only, and none is granted now.
    """
    if client is None or admits_always(principal, client) or request.route_handler.opt.get("requests_access"):
        return principal
    return await admit_staff(session, auth.policies, principal, client, now=auth.clock())


async def _hide_values(session: AsyncSession, auth: AuthServices, principal: Principal) -> None:
    """Hide the values that rules of the scope's account, or accounts, show to other roles only."""
    hide_elements(await find_hidden(session, auth.policies, principal))


async def _enter_account(session: AsyncSession, auth: AuthServices, principal: Principal, tenant_id: UUID) -> None:
    """Change to the scope of an account of the MSP, in which the database hides rows of other MSPs.

    Raises:
        NotFound: only staff have more than one account.
        AccessNeeded: the client admits staff on request only, so they act on its own pages.
    """
    if not principal.is_staff:
        raise NotFound
    await change_scope(session, home_scope(principal).for_tenant(tenant_id))
    if tenant_id != principal.tenant_id:
        client = await get_client(session)
        if not admits_always(principal, client):
            raise AccessNeeded(client.slug)
    await _hide_values(session, auth, principal)


def _list_of(request: AnyRequest) -> str:
    """Name of the list that the page shows; empty for other pages."""
    listed = request.route_handler.resolve_dependencies().get("listed")
    return list_of(listed.dependency) if listed is not None else ""


async def _enter_fleet(session: AsyncSession, auth: AuthServices, principal: Principal) -> None:
    """Raises: NotFound: only staff have a fleet."""
    await change_scope(session, fleet_scope(principal))
    await _hide_values(session, auth, principal)


async def _find_client(session: AsyncSession, principal: Principal, slug: str) -> Client:
    """Look up a client within the principal's reach: staff find their MSP's clients, client members only their own."""
    if principal.is_staff:
        await change_scope(session, fleet_scope(principal))
        return await get_client_by_slug(session, slug)
    if principal.home is None or principal.home.slug != slug:
        raise NotFound
    return principal.home


def _scope(request: AnyRequest, principal: Principal, client: Client | None) -> Scope:
    if client is not None:
        return scope_for(principal, msp_id=client.msp_id, tenant_id=client.tenant_id)
    if request.route_handler.opt.get("fleet"):
        return fleet_scope(principal)
    if not principal.is_staff:
        raise NotFound
    return home_scope(principal)


async def _nav(
    session: AsyncSession, rooms: Rooms, request: AnyRequest, principal: Principal, client: Client | None
) -> tuple[NavGroup, ...]:
    if not is_page(request.headers, request.scope["path"]):
        return ()
    if principal.is_staff and request.route_handler.opt.get("requests_access"):
        client = None  # nothing of the client's is open to them yet
    return mark_current(await build_menu(session, rooms, principal, client), request.scope["path"])


def _policy(principal: Principal) -> PolicyIndex:
    """Staff are authorized by the MSP account's policy everywhere, client members by their client's: always the home
    account's.
    """
    if principal.policy is None:
        raise Unauthenticated(_SIGN_IN)
    return principal.policy


async def _account(session: AsyncSession, principal: Principal, client: Client | None, brand: Brand) -> Account:
    if client is not None:
        return Account(name=client.name, kind=translate("Client"), switch_href="/fleet" if principal.is_staff else "")
    name = brand.name if scope_of(session).fleet else (await get_msp(session)).name
    return Account(name=name, kind=translate("All clients"))
