"""Endpoints of OAuth 2 on each brand's host: token, revocation, introspection and metadata.

They answer in the formats of the RFCs, not with problem details, as libraries expect. All wrong credentials
get the same answer.
"""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final
from urllib.parse import unquote_plus
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from sqlalchemy.ext.asyncio import AsyncSession

from branding.hosts import public_origin
from branding.pages import ShownBrand
from foundation.web.boundary import single_header
from foundation.web.requests import PUBLIC_FORM_BYTES
from tenants.auth.api_keys import SECRET_BYTES, KeyParts, client_id_of, parse_key
from tenants.auth.key_authentication import key_scope
from tenants.auth.pages import OpenAuth, address_of, msp_of
from tenants.auth.services import AuthServices
from tenants.auth.throttle import network_of
from tenants.errors import ApiKeyRefused
from tenants.models import ApiKey
from tenants.oauth.tokens import find_client, find_own_token, issue_token, own_permissions, revoke_token
from tenants.secrets import bytes_of

AnyRequest = Request[Any, Any, Any]
_PUBLIC: Final = {"public": True}
_GRANT: Final = "client_credentials"
_HEADERS: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_CLIENT_ID: Final = re.compile(r"client_([0-9a-f]{32})([0-9a-f]{32})", re.ASCII)
_TOKEN: Final = "/oauth/token"  # noqa: S105 - an address
_REVOKE: Final = "/oauth/revoke"
_INTROSPECT: Final = "/oauth/introspect"


_Act = Callable[[AsyncSession, ApiKey, Mapping[str, str]], Awaitable[Response[Any]]]


class OAuthRefusal(Exception):
    """An error of RFC 6749 §5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.status = error, status

    def answer(self) -> Response[Any]:
        realm = {"WWW-Authenticate": 'Basic realm="oauth", charset="UTF-8"'} if self.status == 401 else {}
        return _json({"error": self.error, "error_description": str(self)}, status=self.status, more=realm)


@post(_TOKEN, opt=_PUBLIC, include_in_schema=False, request_max_body_size=PUBLIC_FORM_BYTES, status_code=200)
async def issue_oauth_token(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    """RFC 6749 §4.4: an access token for a client's credentials."""

    async def act(session: AsyncSession, client: ApiKey, form: Mapping[str, str]) -> Response[Any]:
        if form.get("grant_type") != _GRANT:
            raise OAuthRefusal("unsupported_grant_type", f"The grant type is {_GRANT}.")
        wanted = _wanted(form.get("scope", ""), client, auth.permissions)
        issued = await issue_token(session, auth, client, wanted)
        answer = {"access_token": issued.text, "token_type": "Bearer", "expires_in": issued.expires_in}
        return _json(answer if issued.scope is None else {**answer, "scope": " ".join(issued.scope)})

    return await _as_client(request, auth, msp_of(brand), act)


@post(_REVOKE, opt=_PUBLIC, include_in_schema=False, request_max_body_size=PUBLIC_FORM_BYTES, status_code=200)
async def revoke_oauth_token(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    """RFC 7009: revoke one of the client's tokens. The answer to an unknown token is the same."""

    async def act(session: AsyncSession, client: ApiKey, form: Mapping[str, str]) -> Response[Any]:
        token = await find_own_token(session, client, _parts(form.get("token", "")), now=auth.clock())
        if token is not None:
            await revoke_token(session, client, token, now=auth.clock())
        return _json({})

    return await _as_client(request, auth, msp_of(brand), act)


@post(_INTROSPECT, opt=_PUBLIC, include_in_schema=False, request_max_body_size=PUBLIC_FORM_BYTES, status_code=200)
async def introspect_oauth_token(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    """RFC 7662, for the client's own tokens only."""

    async def act(session: AsyncSession, client: ApiKey, form: Mapping[str, str]) -> Response[Any]:
        token = await find_own_token(session, client, _parts(form.get("token", "")), now=auth.clock())
        if token is None:
            return _json({"active": False})
        answer = {
            "active": True, "client_id": client_id_of(client.tenant_id, client.id), "token_type": "Bearer",
            "iat": int(token.issued_at.timestamp()), "exp": int(token.expires_at.timestamp()),
        }  # fmt: skip
        allowed = own_permissions(client, token)
        return _json(answer if allowed is None else {**answer, "scope": " ".join(allowed)})

    return await _as_client(request, auth, msp_of(brand), act)


@get("/.well-known/oauth-authorization-server", opt=_PUBLIC, include_in_schema=False)
async def show_oauth_metadata(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    """RFC 8414: addresses of this host's endpoints."""
    msp_of(brand)
    origin = public_origin(request.scope)
    methods = ["client_secret_basic", "client_secret_post"]
    return _json(
        {
            "issuer": origin,
            "token_endpoint": origin + _TOKEN,
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint": origin + _REVOKE,
            "revocation_endpoint_auth_methods_supported": methods,
            "introspection_endpoint": origin + _INTROSPECT,
            "introspection_endpoint_auth_methods_supported": methods,
            "grant_types_supported": [_GRANT],
            "response_types_supported": [],
            "scopes_supported": sorted(auth.permissions),
        }
    )


OAUTH_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    issue_oauth_token,
    revoke_oauth_token,
    introspect_oauth_token,
    show_oauth_metadata,
)


async def _as_client(request: AnyRequest, auth: AuthServices, msp_id: UUID, act: _Act) -> Response[Any]:
    """Run `act` as the authenticated client. Failed attempts are throttled by client and network, so that a stranger
    who knows a client's id delays nobody else.

    Raises:
        SignInThrottled: too many failed attempts.
    """
    form = {name: str(value) for name, value in (await request.form()).items()}
    try:
        client_id, secret = _credentials(request, form)
        network = network_of(address_of(request))
        attempt = await auth.throttle.reserve(
            msp_id=msp_id, email=f"oauth:{client_id[:80]}:{network}", address=network, now=auth.clock()
        )
        parts = _client_parts(client_id, secret)
        async with auth.db.transaction(key_scope(parts, msp_id=msp_id)) as session:
            client = await _authenticated(session, auth, parts)
            await auth.throttle.release(attempt)
            return await act(session, client, form)
    except OAuthRefusal as refusal:
        return refusal.answer()


async def _authenticated(session: AsyncSession, auth: AuthServices, parts: KeyParts) -> ApiKey:
    client = await find_client(session, auth, parts)
    if client is None:
        raise OAuthRefusal("invalid_client", "The client's credentials are not accepted.", 401)
    return client


def _credentials(request: AnyRequest, form: Mapping[str, str]) -> tuple[str, str]:
    """Client id and secret, from HTTP Basic or from the form (RFC 6749 §2.3.1)."""
    scheme, _, coded = single_header(request.scope, b"authorization").partition(" ")
    if not scheme:
        return form.get("client_id", ""), form.get("client_secret", "")
    if scheme.lower() != "basic" or "client_secret" in form:
        raise OAuthRefusal("invalid_request", "Send the client's credentials in one way.")
    try:
        name, _, secret = base64.b64decode(coded.strip(), validate=True).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        raise OAuthRefusal("invalid_client", "The client's credentials are not accepted.", 401) from None
    return unquote_plus(name), unquote_plus(secret)


def _client_parts(client_id: str, secret: str) -> KeyParts:
    """The parts of a client id. Malformed credentials are replaced by unknown ones, so that both take the same time."""
    match, opened = _CLIENT_ID.fullmatch(client_id), bytes_of(secret, SECRET_BYTES)
    if match is None or opened is None:
        return KeyParts(UUID(int=0), UUID(int=0), bytes(SECRET_BYTES))
    return KeyParts(UUID(match[1]), UUID(match[2]), opened)


def _parts(token: str) -> KeyParts | None:
    try:
        return parse_key(token)
    except ApiKeyRefused:
        return None


def _wanted(scope: str, client: ApiKey, declared: Collection[str]) -> list[str] | None:
    """Requested permissions; None for all of the client's."""
    names = sorted(set(scope.split()))
    allowed = set(declared) if client.permissions is None else set(client.permissions)
    if not set(names) <= allowed:
        raise OAuthRefusal("invalid_scope", "The client does not have one of these permissions.")
    return names or None


def _json(body: Mapping[str, Any], *, status: int = 200, more: Mapping[str, str] = {}) -> Response[Any]:
    return Response(dict(body), status_code=status, media_type="application/json", headers={**_HEADERS, **more})
