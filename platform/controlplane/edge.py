"""From a request to `Access`: host to brand, cookie or key to principal, path to scope, policy to admission."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import Provide

from branding.brand import Brand
from branding.directory import BrandDirectory
from branding.shell import Account, is_boosted, mark_current
from controlplane.navigation import client_nav, house_nav, partner_nav
from controlplane.services import Services
from foundation.errors import NotFound, Unauthenticated
from foundation.scope import Scope
from policy.index import PolicyIndex
from policy.permissions import require_permission
from tenants.access import Access
from tenants.accounts import get_client, get_client_by_slug, get_msp
from tenants.api_keys import authenticate_key
from tenants.csrf import FIELD, HEADER, SAFE_METHODS, make_token, require_same_site
from tenants.identity import SignedIn, identify_person
from tenants.models import Client
from tenants.principal import Principal, fleet_scope, home_scope, scope_for
from tenants.sessions import cookie_rule

AnyRequest = Request[Any, Any, Any]


class SignInRequired(Unauthenticated):
    """Pages answer it with the sign-in page, the API with 401."""


def provide_access(services: Services, brands: BrandDirectory) -> Provide:
    async def access(request: AnyRequest) -> AsyncGenerator[Access, None]:
        brand = await brands.for_host(request.headers.get("host", ""))
        if brand.msp_id is None:
            raise NotFound
        principal, signed_in = await _identify(services, request, brand)
        if signed_in is not None:
            await _check_origin(request, signed_in)
        permission = str(request.route_handler.opt["permission"])
        slug = request.path_params.get("client")
        client = await _find_client(services, principal, str(slug)) if slug is not None else None
        scope = _scope(request, principal, client)
        # Before the transaction: a request never holds two connections, so the pool cannot lock itself up.
        index = _policy(principal)
        require_permission(index, principal.subjects, permission)
        async with services.db.transaction(scope) as session:
            nav = partner_nav(client) if principal.partner_id else client_nav(client) if client else house_nav()
            house = None if client else await get_msp(session) if not scope.fleet else None
            yield Access(
                session=session,
                scope=scope,
                principal=principal,
                brand=brand,
                index=index,
                now=services.door.clock(),
                nav=mark_current(nav, request.url.path),
                account=_account(principal, client, house.name if house else brand.name),
                csrf_token=make_token(signed_in.session.secret, services.door.new_secret) if signed_in else "",
                boosted=is_boosted(request.headers),
                client=client,
            )

    return Provide(access)


def provide_home(services: Services, brands: BrandDirectory) -> Provide:
    """The address where the signed-in person begins."""

    async def home(request: AnyRequest) -> str:
        brand = await brands.for_host(request.headers.get("host", ""))
        if brand.msp_id is None:
            raise NotFound
        principal, _ = await _identify(services, request, brand)
        if principal.is_staff:
            return "/fleet"
        async with services.db.transaction(replace(home_scope(principal), partner_id=None)) as session:
            client = await get_client(session)
        return f"/clients/{client.slug}/{'channel' if principal.partner_id else 'overview'}"

    return Provide(home)


async def _identify(services: Services, request: AnyRequest, brand: Brand) -> tuple[Principal, SignedIn | None]:
    assert brand.msp_id is not None  # noqa: S101 - checked by the caller
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return await authenticate_key(services.door, msp_id=brand.msp_id, text=key.strip()), None
    cookie = session_cookie(request)
    found = await identify_person(services.door, msp_id=brand.msp_id, cookie=cookie) if cookie else None
    if found is None:
        raise SignInRequired("Sign in to see this.")
    return found.principal, found


def session_cookie(request: "ASGIConnection[Any, Any, Any, Any]") -> str:
    rule = cookie_rule(scheme=request.url.scheme, host=request.headers.get("host", ""))
    return rule.session_of(request.cookies)


async def _check_origin(request: AnyRequest, signed_in: SignedIn) -> None:
    if request.method in SAFE_METHODS:
        return
    token = request.headers.get(HEADER, "")
    if not token and request.content_type[0] in ("application/x-www-form-urlencoded", "multipart/form-data"):
        token = str((await request.form()).get(FIELD, ""))
    require_same_site(
        method=request.method,
        headers=request.headers,
        origin=f"{request.url.scheme}://{request.headers.get('host', '')}",
        token=token,
        secret=signed_in.session.secret,
    )


async def _find_client(services: Services, principal: Principal, slug: str) -> Client:
    """Within the principal's reach only: staff find their MSP's clients, everybody else their own."""
    scope = fleet_scope(principal) if principal.is_staff else replace(home_scope(principal), partner_id=None)
    async with services.db.transaction(scope) as session:
        return await get_client_by_slug(session, slug)


def _scope(request: AnyRequest, principal: Principal, client: Client | None) -> Scope:
    if client is not None:
        return scope_for(principal, msp_id=client.msp_id, tenant_id=client.tenant_id)
    if request.route_handler.opt.get("fleet"):
        return fleet_scope(principal)
    if not principal.is_staff:
        raise NotFound
    return home_scope(principal)


def _policy(principal: Principal) -> PolicyIndex:
    """Staff are admitted by the house's policy everywhere, a client's people by their client's: by the home's."""
    if principal.policy is None:
        raise Unauthenticated("Sign in to see this.")
    return principal.policy


def _account(principal: Principal, client: Client | None, house: str) -> Account:
    if client is None:
        return Account(name=house, kind="All clients")
    return Account(name=client.name, kind="Client", switch_href="/fleet" if principal.is_staff else "")
