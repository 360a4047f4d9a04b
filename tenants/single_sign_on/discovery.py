"""Metadata and keys of identity providers (OpenID Connect Discovery 1.0), read through the guarded client.

Both are cached for an hour, per account and issuer. A token with an unknown key causes one new reading of the keys, at
most six in ten minutes: rotated keys are found, and a faulty provider is not flooded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from foundation.clock import Clock
from foundation.decoding import decode_json
from foundation.outbound.client import BoundCaller, OutboundClient
from foundation.outbound.errors import OutboundRefused
from foundation.outbound.guard import check_url
from tenants.single_sign_on.errors import ProviderProblem, ProviderUnusable

_LIFE: Final = timedelta(hours=1)
_REREAD_WINDOW: Final = timedelta(minutes=10)
_MOST_REREADS: Final = 6
_MOST_KEPT: Final = 500
_MOST_KEYS: Final = 50
_PER_SECOND: Final = 10.0
_BURST: Final = 20
_OK: Final = 200
_ASYMMETRIC: Final = frozenset({"RSA", "EC", "OKP"})


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """`userinfo_endpoint` and `end_session_endpoint` are empty if the provider has none. `sends_issuer`: its answers
    carry `iss` (RFC 9207). `takes_basic`: the client authenticates by HTTP Basic, else in the form.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    takes_basic: bool = True
    sends_issuer: bool = False
    has_groups_scope: bool = False


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A public key. `id` is empty if the provider gave it none."""

    id: str
    key: Key


@dataclass(slots=True)
class _Kept:
    metadata: ProviderMetadata
    read_at: datetime
    keys: tuple[PublishedKey, ...] = ()
    keys_read_at: datetime | None = None
    rereads: list[datetime] = field(default_factory=list)


class ProviderCache:
    """Metadata and keys as this process last read them."""

    def __init__(self, outbound: OutboundClient, clock: Clock) -> None:
        self._outbound = outbound
        self._clock = clock
        self._kept: dict[tuple[UUID, str], _Kept] = {}

    def caller(self, account_id: UUID) -> BoundCaller:
        return self._outbound.for_credential(account_id, "identity-provider", _PER_SECOND, _BURST)

    async def metadata(self, account_id: UUID, issuer: str) -> ProviderMetadata:
        """Raises:
        ProviderUnusable: the metadata are missing, of another issuer, or incomplete.
        OutboundRefused, OutboundUnavailable: an address may not be called, or does not answer.
        """
        return (await self._entry(account_id, issuer)).metadata

    async def keys(self, account_id: UUID, issuer: str, *, unknown: bool = False) -> tuple[PublishedKey, ...]:
        """Public keys. `unknown`: a token names a key that is not among them, so they are read again if that was not
        done too often.
        """
        entry, now = await self._entry(account_id, issuer), self._clock()
        stale = entry.keys_read_at is None or now - entry.keys_read_at >= _LIFE
        entry.rereads = [at for at in entry.rereads if now - at < _REREAD_WINDOW]
        if not stale and unknown and len(entry.rereads) < _MOST_REREADS:
            entry.rereads.append(now)
            stale = True
        if stale:
            document = await self.read(account_id, entry.metadata.jwks_uri)
            entry.keys, entry.keys_read_at = _read_keys(document), now
        return entry.keys

    def forget(self, account_id: UUID) -> None:
        """Drop the account's entries, after a change of its settings."""
        for key in [one for one in self._kept if one[0] == account_id]:
            del self._kept[key]

    async def read(self, account_id: UUID, url: str, *, token: str = "") -> Mapping[str, Any] | None:
        """A JSON object; None for every other answer. Redirects are not followed."""
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        answer = await self.caller(account_id).request("GET", url, headers=headers)
        return read_object(answer.content) if answer.status_code == _OK else None

    async def _entry(self, account_id: UUID, issuer: str) -> _Kept:
        now, known = self._clock(), self._kept.get((account_id, issuer))
        if known is not None and now - known.read_at < _LIFE:
            return known
        document = await self.read(account_id, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        entry = _Kept(_read_metadata(document, issuer), now)
        if len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[account_id, issuer] = entry
        return entry


def read_object(content: bytes) -> Mapping[str, Any] | None:
    try:
        found = decode_json(content)
    except (msgspec.DecodeError, UnicodeError):
        return None
    return found if isinstance(found, dict) else None


def _read_metadata(document: Mapping[str, Any] | None, issuer: str) -> ProviderMetadata:
    if document is None:
        raise ProviderUnusable(ProviderProblem.NO_METADATA)
    if document.get("issuer") != issuer:
        raise ProviderUnusable(ProviderProblem.OTHER_ISSUER)
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint")
    secure = check_url(issuer).secure
    addresses = {name: _address(document.get(name), secure=secure) for name in names}
    if not all(addresses[name] for name in names[:3]):
        raise ProviderUnusable(ProviderProblem.INCOMPLETE)
    methods = document.get("code_challenge_methods_supported")
    if isinstance(methods, list) and "S256" not in methods:
        raise ProviderUnusable(ProviderProblem.NO_PKCE)
    ways, scopes = document.get("token_endpoint_auth_methods_supported"), document.get("scopes_supported")
    return ProviderMetadata(
        issuer=issuer,
        authorization_endpoint=addresses["authorization_endpoint"],
        token_endpoint=addresses["token_endpoint"],
        jwks_uri=addresses["jwks_uri"],
        userinfo_endpoint=addresses["userinfo_endpoint"],
        end_session_endpoint=addresses["end_session_endpoint"],
        takes_basic=not isinstance(ways, list) or "client_secret_basic" in ways or "client_secret_post" not in ways,
        sends_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        has_groups_scope=isinstance(scopes, list) and "groups" in scopes,
    )


def _address(value: object, *, secure: bool) -> str:
    """The URL; empty if invalid, or without TLS although `secure` requires TLS."""
    if not isinstance(value, str):
        return ""
    try:
        target = check_url(value)
    except OutboundRefused:
        return ""
    return value if target.secure or not secure else ""


def _read_keys(document: Mapping[str, Any] | None) -> tuple[PublishedKey, ...]:
    """Public signature keys; others, and secret ones, are left out. Raises: ProviderUnusable: there is none."""
    listed = document.get("keys") if document is not None else None
    found = [one for each in (listed if isinstance(listed, list) else [])[:_MOST_KEYS] if (one := _read_key(each))]
    if not found:
        raise ProviderUnusable(ProviderProblem.NO_KEYS)
    return tuple(found)


def _read_key(each: object) -> PublishedKey | None:
    if not isinstance(each, dict) or each.get("kty") not in _ASYMMETRIC or each.get("use", "sig") != "sig":
        return None
    key_id = each.get("kid", "")
    try:
        return PublishedKey(key_id if isinstance(key_id, str) else "", import_key(each))
    except (JoseError, ValueError, TypeError, KeyError):
        return None
