"""API keys. The text is shown once; only the SHA-256 of its secret is stored.

A key's text contains its tenant, and the request's host determines the MSP. The lookup runs in that tenant's scope, so
row-level security hides keys of other MSPs.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Forbidden, NotFound
from foundation.marks import N_
from foundation.names import clean_name
from foundation.scope import Actor, Scope
from foundation.web.pagination import ListQuery, ResultPage, Sort, SortKey, select_page
from policy.errors import RoleNotAssignable
from policy.packaged import CLIENT_ROLES, MSP_ROLES
from policy.repository import latest_policy
from tenants.audit_actions import TenantAction
from tenants.auth.services import AuthServices
from tenants.errors import ApiKeyRefused, Suspended
from tenants.models import ApiKey, Client, Member
from tenants.principal import Principal
from tenants.roles import held_roles
from tenants.secrets import NewSecret, bytes_of, text_of
from tenants.states import AccountStatus

_KEY = re.compile(r"key_([0-9a-f]{32})([0-9a-f]{32})_([A-Za-z0-9_-]{43})", re.ASCII)
_SECRET_BYTES: Final = 32
NEWEST_KEY_FIRST: Final = Sort(
    name="-created",
    label=N_("Newest first"),
    reverse_label=N_("Oldest first"),
    keys=[SortKey("api_key.id", "uuid", descending=True)],
)
"""Ids grow with time."""
ALL_KEYS: Final = ListQuery(list="api-keys", sort=NEWEST_KEY_FIRST, limit=500)
_NOTE_USE_EVERY: Final = timedelta(minutes=1)


class NewApiKey(msgspec.Struct, frozen=True):
    """Input of a new key. `role` is one of policy's roles. `manages_access` allows the key to manage members, roles,
    invitations and keys; other keys cannot, regardless of their role.
    """

    id: UUID
    name: str
    role: str = "machine"
    manages_access: bool = False


@dataclass(frozen=True, slots=True)
class KeyParts:
    tenant_id: UUID
    key_id: UUID
    secret: bytes = field(repr=False)


def key_text(parts: KeyParts) -> str:
    return f"key_{parts.tenant_id.hex}{parts.key_id.hex}_{text_of(parts.secret)}"


def parse_key(text: str) -> KeyParts:
    """Raises: ApiKeyRefused."""
    match = _KEY.fullmatch(text)
    secret = bytes_of(match[3], _SECRET_BYTES) if match is not None else None
    if match is None or secret is None:
        raise ApiKeyRefused
    return KeyParts(UUID(match[1]), UUID(match[2]), secret)


async def create_api_key(
    session: AsyncSession, new_secret: NewSecret, wanted: NewApiKey, *, now: datetime, by: Principal | None = None
) -> tuple[ApiKey, str]:
    """Create a key. Returns the key and its text, which cannot be shown again.

    Raises:
        RoleNotAssignable: MSP roles are for keys of the MSP account, the others for keys of a client; and a key's
            rights cannot exceed its creator's.
        Forbidden: only a member can create a key that manages access.
    """
    scope = scope_of(session)
    _check_role(wanted.role, in_msp_account=scope.tenant_id == scope.msp_id, by=by)
    if wanted.manages_access and scope.actor.kind == "machine":
        raise Forbidden(
            N_("Only a signed-in member can create an API key that manages members, roles, invitations or keys.")
        )
    secret = new_secret(_SECRET_BYTES)
    key = await session.scalar(
        insert(ApiKey)
        .values(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=wanted.id, name=clean_name(wanted.name),
            role=wanted.role, manages_access=wanted.manages_access,
            secret_hash=hashlib.sha256(secret).digest(), created_at=now, created_by=scope.actor.name,
            on_behalf_of_id=scope.actor.responsible_member_id,
        )
        .returning(ApiKey)
    )  # fmt: skip
    assert key is not None  # noqa: S101 - an INSERT without ON CONFLICT returns its row or raises
    append_audit(
        session,
        action=TenantAction.API_KEY_CREATED,
        subject=f"api_key:{key.id}",
        data={"name": key.name, "role": key.role, "manages_access": key.manages_access},
        at=now,
    )
    return key, key_text(KeyParts(scope.tenant_id, key.id, secret))


def allowed_roles(*, in_msp_account: bool, by: Principal | None) -> frozenset[str]:
    """Roles that a key of the account can have, if `by` creates it."""
    allowed = MSP_ROLES if in_msp_account else CLIENT_ROLES - {"partner"}
    if by is not None and (in_msp_account or not by.is_staff):
        allowed &= {"machine", *by.roles}
    return allowed


def _check_role(role: str, *, in_msp_account: bool, by: Principal | None) -> None:
    allowed = allowed_roles(in_msp_account=in_msp_account, by=by)
    if role not in allowed:
        raise RoleNotAssignable(
            N_("An API key of this account can have one of these roles: {known}."),
            params={"known": ", ".join(sorted(allowed))},
            role=role,
        )


async def list_api_keys(session: AsyncSession, query: ListQuery = ALL_KEYS) -> ResultPage[ApiKey]:
    """One page of `tenants.lists.API_KEYS`, revoked ones included."""
    statement = select(ApiKey).where(ApiKey.tenant_id == scope_of(session).tenant_id)
    wanted = query.values.get("status")
    if wanted:
        revoked = ApiKey.revoked_at.is_not(None)
        statement = statement.where(revoked if wanted == "revoked" else ~revoked)
    return await select_page(session, statement, query)


async def revoke_api_key(session: AsyncSession, *, key_id: UUID, now: datetime) -> None:
    """Revoke a key, effective with the next request. A second call keeps the first revocation time.

    Raises:
        NotFound: this tenant has no such key.
    """
    own = (ApiKey.tenant_id == scope_of(session).tenant_id, ApiKey.id == key_id)
    key = await session.scalar(select(ApiKey).where(*own).with_for_update())
    if key is None:
        raise NotFound
    if key.revoked_at is None:
        await session.execute(update(ApiKey).where(*own).values(revoked_at=now))
        append_audit(
            session, action=TenantAction.API_KEY_REVOKED, subject=f"api_key:{key_id}", data={"name": key.name}, at=now
        )


def key_scope(parts: KeyParts, *, msp_id: UUID) -> Scope:
    """Scope for the lookup of a key, on a host of this MSP."""
    return Scope(msp_id=msp_id, tenant_id=parts.tenant_id, actor=Actor.system("api-key"))


async def authenticate_key(session: AsyncSession, auth: AuthServices, parts: KeyParts) -> Principal:
    """The principal of a key, looked up in the key's own scope. The creator is loaded separately, by
    `identity.find_key_creator`.

    Raises:
        ApiKeyRefused: unknown, wrong, revoked, or another MSP's key; the message is the same for all.
        Suspended: the key is valid, but its account is suspended.
    """
    scope = scope_of(session)
    row = (
        await session.execute(
            select(ApiKey, Client, latest_policy(scope.tenant_id), Member.id)
            .outerjoin(Client, Client.tenant_id == ApiKey.tenant_id)
            .outerjoin(Member, (Member.tenant_id == ApiKey.tenant_id) & (Member.id == ApiKey.on_behalf_of_id))
            .where(ApiKey.tenant_id == scope.tenant_id, ApiKey.id == parts.key_id)
        )
    ).one_or_none()
    key, home, stamp, colleague = row if row is not None else (None, None, None, None)
    right = _is_right(key, parts)
    if key is None or not right or key.revoked_at is not None:
        raise ApiKeyRefused
    if home is not None and home.status != AccountStatus.ACTIVE:
        raise Suspended
    await _note_use(session, key, auth.clock())
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
    )


async def note_refused_use(session: AsyncSession, auth: AuthServices, parts: KeyParts) -> None:
    """Record the use of a valid key even when its request was refused and rolled back: misuse of a stolen key leaves a
    trace.
    """
    own = (ApiKey.tenant_id == scope_of(session).tenant_id, ApiKey.id == parts.key_id)
    key = await session.scalar(select(ApiKey).where(*own))
    if _is_right(key, parts) and key is not None:
        await _note_use(session, key, auth.clock())


def _is_right(key: ApiKey | None, parts: KeyParts) -> bool:
    known = bytes(key.secret_hash) if key is not None else bytes(32)
    return hmac.compare_digest(hashlib.sha256(parts.secret).digest(), known) and key is not None


async def _note_use(session: AsyncSession, key: ApiKey, now: datetime) -> None:
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
