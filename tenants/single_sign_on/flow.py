"""The authorization code flow with PKCE: the redirect to the provider, and its answer.

A begun redirect is a ticket, identified by `state`, that one browser may use once. Each account has a callback address
of its own, so that an answer of one provider cannot be taken for another's (mix-up, RFC 9700 §4.4).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

from foundation.codes import LabelledCode
from foundation.errors import NotFound
from foundation.marks import N_
from foundation.scope import Actor, Scope
from tenants.identity_providers.queries import find_provider
from tenants.identity_providers.states import SingleSignOnMode
from tenants.secrets import text_of
from tenants.single_sign_on.discovery import ProviderMetadata, read_object
from tenants.single_sign_on.errors import SignInProblem, SingleSignOnRefused
from tenants.single_sign_on.id_token import ExpectedToken, fitting_keys, key_id_of, verify_id_token
from tenants.single_sign_on.provider_settings import SECRET_PURPOSE
from tenants.single_sign_on.service import SingleSignOn

ACTOR: Final = Actor.system("single-sign-on")
_TICKET: Final = "single-sign-on"
_SECRET_BYTES: Final = 32
_OK: Final = 200
_SCOPES: Final = "openid email profile"


class Purpose(LabelledCode):
    """Purpose of a redirect to the provider."""

    SIGN_IN = "sign-in", N_("Sign in")
    CONFIRM = "confirm", N_("Confirm that it is you")
    TRIAL = "trial", N_("Try single sign-on")


class PendingRedirect(msgspec.Struct, frozen=True):
    """A redirect that was begun. `browser` is the SHA-256 of a secret of the browser; `target` the page to open
    then. `counted` are the keys of its counters (`tenants.auth.throttle`).
    """

    account_id: UUID
    purpose: Purpose
    browser: str
    nonce: str
    verifier: str
    target: str
    redirect_uri: str
    issuer: str
    client_id: str
    begun_at: datetime
    counted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProvedIdentity:
    """The identity from the provider's answer. `email` is empty if not verified, `groups` if none are named."""

    issuer: str
    subject: str
    email: str
    name: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """The query of the callback, on a host of this MSP, in a browser with these secrets."""

    msp_id: UUID
    account_id: UUID
    browser: tuple[bytes, ...]
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Client:
    """The provider's settings as they are used, with the secret opened."""

    issuer: str
    client_id: str
    secret: str
    groups_claim: str


def account_scope(msp_id: UUID, account_id: UUID) -> Scope:
    return Scope(msp_id=msp_id, tenant_id=account_id, actor=ACTOR)


async def begin_redirect(  # noqa: PLR0913 - keyword-only
    sso: SingleSignOn,
    scope: Scope,
    *,
    purpose: Purpose,
    browser: bytes,
    target: str,
    origin: str,
    counted: tuple[str, ...] = (),
) -> str:
    """The address of the provider to which the browser is sent.

    Raises:
        NotFound: the account has no provider, or it is off.
        ProviderUnusable, OutboundRefused, OutboundUnavailable: see `ProviderCache.metadata`.
    """
    client = await _open_client(sso, scope, trial=purpose is Purpose.TRIAL)
    metadata = await sso.cache.metadata(scope.tenant_id, client.issuer)
    pending = PendingRedirect(
        account_id=scope.tenant_id, purpose=purpose, browser=_digest(browser),
        nonce=text_of(sso.auth.new_secret(_SECRET_BYTES)), verifier=text_of(sso.auth.new_secret(_SECRET_BYTES)),
        target=target, redirect_uri=f"{origin}/sign-in/sso/{scope.tenant_id}/callback", issuer=client.issuer,
        client_id=client.client_id, begun_at=sso.auth.clock(), counted=counted,
    )  # fmt: skip
    state = await sso.auth.tickets.issue(scope.msp_id, _TICKET, pending)
    again = {"prompt": "login", "max_age": "0"} if purpose is Purpose.CONFIRM else {}
    address: str = prepare_grant_uri(
        metadata.authorization_endpoint, client.client_id, "code", redirect_uri=pending.redirect_uri,
        scope=f"{_SCOPES} groups" if metadata.has_groups_scope else _SCOPES, state=state, nonce=pending.nonce,
        code_challenge=create_s256_code_challenge(pending.verifier), code_challenge_method="S256", **again,
    )  # fmt: skip
    return address


async def take_pending(sso: SingleSignOn, answer: ProviderAnswer) -> PendingRedirect:
    """Take the redirect to which this answer belongs. The redirect ends, even if the answer is refused later.

    Raises:
        SingleSignOnRefused: unknown, used, expired, of another account or of another browser.
    """
    state = answer.query.get("state", "")
    pending = await sso.auth.tickets.take(answer.msp_id, _TICKET, state, PendingRedirect)
    if pending is None:
        raise SingleSignOnRefused(SignInProblem.EXPIRED)
    same = [hmac.compare_digest(pending.browser, _digest(secret)) for secret in answer.browser]
    if not any(same) or pending.account_id != answer.account_id:
        raise SingleSignOnRefused(SignInProblem.OTHER_BROWSER)
    return pending


async def read_identity(sso: SingleSignOn, answer: ProviderAnswer, pending: PendingRedirect) -> ProvedIdentity:
    """Exchange the code, and verify the identity.

    Raises:
        SingleSignOnRefused: the provider declined, or its answer is not acceptable.
        ProviderUnusable, OutboundRefused, OutboundUnavailable: the provider cannot be called.
    """
    client = await _open_client(
        sso, account_scope(answer.msp_id, answer.account_id), trial=pending.purpose is Purpose.TRIAL
    )
    if (client.issuer, client.client_id) != (pending.issuer, pending.client_id):
        raise SingleSignOnRefused(SignInProblem.CHANGED)
    metadata = await sso.cache.metadata(answer.account_id, client.issuer)
    named = answer.query.get("iss")
    if named != client.issuer and (named is not None or metadata.sends_issuer):
        raise SingleSignOnRefused(SignInProblem.ISSUER)
    code = answer.query.get("code", "")
    if not code:
        raise SingleSignOnRefused(SignInProblem.DECLINED)
    tokens = await _exchange(sso, pending, client, metadata, code)
    claims = await _verify(sso, pending, str(tokens.get("id_token", "")))
    facts = await _add_userinfo(sso, pending, client, metadata, claims, str(tokens.get("access_token", "")))
    return _identity(facts, client)


async def _open_client(sso: SingleSignOn, scope: Scope, *, trial: bool) -> _Client:
    async with sso.auth.db.transaction(scope) as session:
        found = await find_provider(session)
        if found is None or (found.mode == SingleSignOnMode.OFF and not trial):
            raise NotFound
        sealed = found.client_secret
        secret = b"" if sealed is None else await sso.vault.decrypt(session, SECRET_PURPOSE, sealed)
        return _Client(found.issuer, found.client_id, secret.decode(), found.groups_claim)


async def _exchange(
    sso: SingleSignOn, pending: PendingRedirect, client: _Client, metadata: ProviderMetadata, code: str
) -> Mapping[str, Any]:
    """The token response. A code is sent once: a failed exchange is not repeated."""
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": pending.redirect_uri,
        "code_verifier": pending.verifier,
    }  # fmt: skip
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if client.secret and metadata.takes_basic:
        pair = f"{quote(client.client_id, safe='')}:{quote(client.secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": client.client_id} | ({"client_secret": client.secret} if client.secret else {})
    caller = sso.cache.caller(pending.account_id)
    answer = await caller.request("POST", metadata.token_endpoint, headers=headers, content=urlencode(form).encode())
    tokens = read_object(answer.content) if answer.status_code == _OK else None
    if tokens is None:
        raise SingleSignOnRefused(SignInProblem.EXCHANGE)
    return tokens


async def _verify(sso: SingleSignOn, pending: PendingRedirect, token: str) -> Mapping[str, Any]:
    key_id, account = key_id_of(token), pending.account_id
    keys = await sso.cache.keys(account, pending.issuer)
    if not fitting_keys(keys, key_id):
        keys = await sso.cache.keys(account, pending.issuer, unknown=True)
    expected = ExpectedToken(
        pending.issuer, pending.client_id, pending.nonce, asked_at=pending.begun_at,
        asks_again=pending.purpose is Purpose.CONFIRM,
    )  # fmt: skip
    return verify_id_token(token, keys, expected, now=sso.auth.clock())


async def _add_userinfo(  # noqa: PLR0913, PLR0917 - the parts of one exchange
    sso: SingleSignOn, pending: PendingRedirect, client: _Client, metadata: ProviderMetadata,
    claims: Mapping[str, Any], access_token: str,
) -> Mapping[str, Any]:  # fmt: skip
    """The claims, with those that only the userinfo endpoint has. Its answer must be about the same subject."""
    complete = "email" in claims and client.groups_claim in claims
    if complete or not metadata.userinfo_endpoint or not access_token:
        return claims
    more = await sso.cache.read(pending.account_id, metadata.userinfo_endpoint, token=access_token)
    if more is None or more.get("sub") != claims["sub"]:
        raise SingleSignOnRefused(SignInProblem.TOKEN)
    return {**more, **claims}


def _identity(facts: Mapping[str, Any], client: _Client) -> ProvedIdentity:
    email, name, groups = facts.get("email"), facts.get("name"), facts.get(client.groups_claim)
    verified = facts.get("email_verified") is True and isinstance(email, str)
    listed = groups if isinstance(groups, list) else [groups]
    return ProvedIdentity(
        issuer=client.issuer, subject=str(facts["sub"]), email=str(email) if verified else "",
        name=name if isinstance(name, str) else "", groups=tuple(one for one in listed if isinstance(one, str)),
    )  # fmt: skip


def _digest(secret: bytes) -> str:
    return hashlib.sha256(b"single-sign-on" + secret).hexdigest()
