"""Authentication by API key or by an access token of an OAuth 2 client."""

import hashlib
import hmac
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.scope import Actor, Scope
from policy.repository import latest_policy
from tenants.auth.api_keys import KeyParts
from tenants.auth.services import AuthServices
from tenants.errors import ApiKeyRefused, Suspended
from tenants.limits import limits_of
from tenants.models import ApiKey, Client, Member, Msp, OAuthToken
from tenants.principal import Principal
from tenants.roles import held_roles
from tenants.states import AccountStatus, KeyUse

_NOTE_USE_EVERY: Final = timedelta(minutes=1)
_NO_HASH: Final = bytes(32)


def key_scope(parts: KeyParts, *, msp_id: UUID) -> Scope:
    """Scope for the lookup of a key, on a host of this MSP."""
    return Scope(msp_id=msp_id, tenant_id=parts.tenant_id, actor=Actor.system("api-key"))


async def authenticate_key(session: AsyncSession, auth: AuthServices, parts: KeyParts) -> Principal:
    """The principal of a key or token, looked up in its own scope. The creator is loaded separately, by
    `identity.find_key_creator`.

    Raises:
        ApiKeyRefused: unknown, wrong, expired, revoked, or another MSP's; the message is the same for all.
        Suspended: the key is valid, but its account is suspended.
    """
    scope, now = scope_of(session), auth.clock()
    token = await find_token(session, parts, now) if parts.is_token else None
    row = (
        await session.execute(
            select(ApiKey, Client, Msp, latest_policy(scope.tenant_id), Member.id)
            .outerjoin(Client, Client.tenant_id == ApiKey.tenant_id)
            .outerjoin(Msp, Msp.tenant_id == ApiKey.tenant_id)
            .outerjoin(Member, (Member.tenant_id == ApiKey.tenant_id) & (Member.id == ApiKey.on_behalf_of_id))
            .where(ApiKey.tenant_id == scope.tenant_id, ApiKey.id == (parts.key_id if token is None else token.key_id))
        )
    ).one_or_none()
    key, home, msp, stamp, colleague = row if row is not None else (None, None, None, None, None)
    accepted = is_live(key, now, use=KeyUse.OAUTH_CLIENT) if token else is_right(key, parts, now, use=KeyUse.KEY)
    if key is None or not accepted:
        raise ApiKeyRefused
    if home is not None and home.status != AccountStatus.ACTIVE:
        raise Suspended
    await note_use(session, key, now)
    index = await auth.policies.index_at(session, scope, stamp=stamp)
    return Principal(
        kind="machine",
        id=key.id,
        name=key.name,
        msp_id=scope.msp_id,
        tenant_id=scope.tenant_id,
        roles=(key.role, *held_roles(index, key.role)),
        policy=index,
        home=home,
        on_behalf_of_id=key.on_behalf_of_id,
        on_behalf_of_home=scope.tenant_id if colleague is not None else scope.msp_id,
        manages_access=key.manages_access,
        permissions=narrow(key.permissions, None if token is None else token.permissions),
        limits=limits_of(home or msp),
    )


async def note_refused_use(session: AsyncSession, auth: AuthServices, parts: KeyParts) -> None:
    """Record the use of a valid key even when its request was refused and rolled back: misuse of a stolen key leaves a
    trace.
    """
    now = auth.clock()
    token = await find_token(session, parts, now) if parts.is_token else None
    key_id = parts.key_id if token is None else token.key_id
    key = await session.scalar(
        select(ApiKey).where(ApiKey.tenant_id == scope_of(session).tenant_id, ApiKey.id == key_id)
    )
    if key is not None and (token is not None or has_secret(key, parts, now)):
        await note_use(session, key, now)


async def find_token(session: AsyncSession, parts: KeyParts, now: datetime) -> OAuthToken | None:
    """The live token of this text, if there is one."""
    own = (OAuthToken.tenant_id == scope_of(session).tenant_id, OAuthToken.id == parts.key_id)
    token = await session.scalar(select(OAuthToken).where(*own))
    known = _NO_HASH if token is None else bytes(token.secret_hash)
    right = hmac.compare_digest(hashlib.sha256(parts.secret).digest(), known)
    return token if token and right and token.revoked_at is None and now < token.expires_at else None


def is_right(key: ApiKey | None, parts: KeyParts, now: datetime, *, use: KeyUse) -> bool:
    """Whether the secret is the key's, and the key is live."""
    right = has_secret(key, parts, now)
    return right and is_live(key, now, use=use)


def has_secret(key: ApiKey | None, parts: KeyParts, now: datetime) -> bool:
    """Whether the secret is the key's, or its previous one within the overlap. An unknown key costs the same
    comparisons.
    """
    given = hashlib.sha256(parts.secret).digest()
    current = hmac.compare_digest(given, _NO_HASH if key is None else bytes(key.current_hash or key.secret_hash))
    before = hmac.compare_digest(given, _NO_HASH if key is None or not key.previous_hash else bytes(key.previous_hash))
    in_overlap = key is not None and key.previous_until is not None and now < key.previous_until
    return current or (before and in_overlap)


def is_live(key: ApiKey | None, now: datetime, *, use: KeyUse) -> bool:
    """Whether the key is neither revoked nor expired, and of this use."""
    if key is None or key.revoked_at is not None or key.use != use:
        return False
    return key.expires_at is None or now < key.expires_at


def narrow(own: Collection[str] | None, limit: Collection[str] | None) -> frozenset[str] | None:
    """Permissions that both allow; None allows all."""
    if own is None or limit is None:
        given = own if limit is None else limit
        return None if given is None else frozenset(given)
    return frozenset(own) & frozenset(limit)


async def note_use(session: AsyncSession, key: ApiKey, now: datetime) -> None:
    """Record the last use at most once a minute, so that a busy key does not cause a write per request. Concurrent
    requests of the key do not wait for the write.
    """
    if key.last_used_at is None or now - key.last_used_at >= _NOTE_USE_EVERY:
        free = select(ApiKey.id).where(ApiKey.tenant_id == key.tenant_id, ApiKey.id == key.id)
        await session.execute(
            update(ApiKey)
            .where(ApiKey.tenant_id == key.tenant_id, ApiKey.id.in_(free.with_for_update(skip_locked=True)))
            .values(last_used_at=now)
            .execution_options(synchronize_session=False)
        )
