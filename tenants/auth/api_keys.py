"""API keys. The text is shown once; only the SHA-256 of its secret is stored. An OAuth 2 client is a key of that use.

A key's text contains its tenant, and the request's host determines the MSP. The lookup runs in that tenant's scope, so
row-level security hides keys of other MSPs.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.entitlements.check import require_entitlement
from foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from foundation.marks import N_
from foundation.names import clean_name
from foundation.web.pagination import ListQuery, ResultPage, Sort, SortKey, select_page
from policy.errors import RoleNotAssignable
from policy.packaged import CLIENT_ROLES, MSP_ROLES
from tenants.audit_actions import TenantAction
from tenants.errors import ApiKeyRefused
from tenants.features import API_KEY_FEATURE
from tenants.models import ApiKey
from tenants.principal import Principal
from tenants.secrets import NewSecret, bytes_of, text_of
from tenants.states import KeyUse

_KEY = re.compile(r"(key|tok)_([0-9a-f]{32})([0-9a-f]{32})_([A-Za-z0-9_-]{43})", re.ASCII)
SECRET_BYTES: Final = 32
SECRET_CHARACTERS: Final = 43
"""Length of a secret as text."""
NEWEST_KEY_FIRST: Final = Sort(
    name="-created",
    label=N_("Newest first"),
    reverse_label=N_("Oldest first"),
    keys=[SortKey("api_key.id", "uuid", descending=True)],
)
"""By id: ids grow with time."""
ALL_KEYS: Final = ListQuery(list="api-keys", sort=NEWEST_KEY_FIRST, limit=500)
USUAL_OVERLAP: Final = timedelta(hours=24)
LONGEST_OVERLAP: Final = timedelta(days=30)
EXPIRES_SOON: Final = timedelta(days=14)
"""Before its expiry a key is marked in lists."""


class NewApiKey(msgspec.Struct, frozen=True):
    """Input of a new key. `role` is one of policy's roles. `manages_access` allows the key to manage members, roles,
    invitations and keys; other keys cannot, regardless of their role. `permissions` narrows the role's; None does not.
    """

    id: UUID
    name: str
    role: str = "machine"
    manages_access: bool = False
    permissions: tuple[str, ...] | None = None
    expires_at: datetime | None = None
    use: KeyUse = KeyUse.KEY


@dataclass(frozen=True, slots=True)
class KeyParts:
    tenant_id: UUID
    key_id: UUID
    secret: bytes = field(repr=False)
    is_token: bool = False
    """An access token of an OAuth 2 client; then `key_id` is the token's id."""


def key_text(parts: KeyParts) -> str:
    return f"{'tok' if parts.is_token else 'key'}_{parts.tenant_id.hex}{parts.key_id.hex}_{text_of(parts.secret)}"


def parse_key(text: str) -> KeyParts:
    """Raises: ApiKeyRefused."""
    match = _KEY.fullmatch(text)
    secret = bytes_of(match[4], SECRET_BYTES) if match is not None else None
    if match is None or secret is None:
        raise ApiKeyRefused
    return KeyParts(UUID(match[2]), UUID(match[3]), secret, is_token=match[1] == "tok")


def client_id_of(tenant_id: UUID, key_id: UUID) -> str:
    """The `client_id` of a key that is an OAuth 2 client; its secret is the last part of the key's text."""
    return f"client_{tenant_id.hex}{key_id.hex}"


async def create_api_key(  # noqa: PLR0913 - keyword-only
    session: AsyncSession,
    new_secret: NewSecret,
    wanted: NewApiKey,
    *,
    now: datetime,
    by: Principal | None = None,
    declared: Collection[str] = (),
) -> tuple[ApiKey, str]:
    """Create a key. Returns the key and its text, which cannot be shown again. `declared` are the permissions of the
    product, to which a key may be limited.

    Raises:
        RoleNotAssignable: MSP roles are for keys of the MSP account, the others for keys of a client; and a key's
            rights cannot exceed its creator's.
        Forbidden: only a member can create a key that manages access.
        InvalidInput: a permission does not exist, or the expiry is past.
        PlanLimitReached: the plan allows no further key.
    """
    scope = scope_of(session)
    _check_role(wanted.role, in_msp_account=scope.tenant_id == scope.msp_id, by=by)
    if wanted.manages_access and scope.actor.kind == "machine":
        raise Forbidden(
            N_("Only a signed-in member can create an API key that manages members, roles, invitations or keys.")
        )
    _check_permissions(wanted.permissions, declared)
    _check_expiry(wanted.expires_at, now)
    await require_entitlement(session, API_KEY_FEATURE, now=now)
    secret = new_secret(SECRET_BYTES)
    key = await session.scalar(
        insert(ApiKey)
        .values(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=wanted.id, name=clean_name(wanted.name),
            role=wanted.role, manages_access=wanted.manages_access,
            secret_hash=hashlib.sha256(secret).digest(), created_at=now, created_by=scope.actor.name,
            on_behalf_of_id=scope.actor.responsible_member_id, use=wanted.use, expires_at=wanted.expires_at,
            permissions=None if wanted.permissions is None else sorted(set(wanted.permissions)),
        )
        .returning(ApiKey)
    )  # fmt: skip
    assert key is not None  # noqa: S101 - an INSERT without ON CONFLICT returns its row or raises
    append_audit(
        session,
        action=TenantAction.API_KEY_CREATED,
        subject=f"api_key:{key.id}",
        data={
            "name": key.name,
            "role": key.role,
            "manages_access": key.manages_access,
            "use": key.use,
            "permissions": key.permissions,
            "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
        },
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
        expired = ApiKey.expires_at.is_not(None) & (ApiKey.expires_at <= func.now())
        chosen = {"revoked": revoked, "expired": ~revoked & expired, "active": ~revoked & ~expired}
        statement = statement.where(chosen[wanted])
    return await select_page(session, statement, query)


async def find_creator(session: AsyncSession, key_id: str) -> str:
    """Id of the member who created a key of the scope's account; empty for any other id."""
    try:
        own = (ApiKey.tenant_id == scope_of(session).tenant_id, ApiKey.id == UUID(key_id))
    except ValueError:
        return ""
    creator = await session.scalar(select(ApiKey.on_behalf_of_id).where(*own))
    return "" if creator is None else str(creator)


async def rotate_api_key(  # noqa: PLR0913 - keyword-only parts of one rotation
    session: AsyncSession,
    new_secret: NewSecret,
    *,
    key_id: UUID,
    now: datetime,
    overlap: timedelta = USUAL_OVERLAP,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Give a key a new secret; the one before is accepted for `overlap`. `expires_at` replaces the expiry, if given.

    Raises:
        NotFound: this tenant has no such key.
        Conflict: the key is revoked.
        InvalidInput: the overlap is too long, or the expiry is past.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise InvalidInput(
            N_("The overlap is 0 to {most} hours."),
            params={"most": LONGEST_OVERLAP // timedelta(hours=1)},
            field="overlap_hours",
        )
    _check_expiry(expires_at, now)
    scope = scope_of(session)
    own = (ApiKey.tenant_id == scope.tenant_id, ApiKey.id == key_id)
    key = await session.scalar(select(ApiKey).where(*own).with_for_update())
    if key is None:
        raise NotFound
    if key.revoked_at is not None:
        raise Conflict(N_("This API key is revoked. Create a new one."))
    secret = new_secret(SECRET_BYTES)
    key.previous_hash, key.previous_until = key.current_hash or key.secret_hash, now + overlap
    key.current_hash = hashlib.sha256(secret).digest()
    key.expires_at = expires_at or key.expires_at
    await session.flush()
    append_audit(
        session, action=TenantAction.API_KEY_ROTATED, subject=f"api_key:{key_id}",
        data={"name": key.name, "previous_until": key.previous_until.isoformat()}, at=now,
    )  # fmt: skip
    return key, key_text(KeyParts(scope.tenant_id, key_id, secret))


def _check_permissions(names: Collection[str] | None, declared: Collection[str]) -> None:
    """Raises InvalidInput: a name is no permission, or the list is empty."""
    if names is not None and not names:
        raise InvalidInput(N_("Choose at least one permission, or none to allow all of the role."), field="permissions")
    if unknown := sorted(set(names or ()) - set(declared)):
        raise InvalidInput(N_("There is no permission {name}."), params={"name": unknown[0][:100]}, field="permissions")


def _check_expiry(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= now):
        raise InvalidInput(N_("The expiry must be in the future."), field="expires_at")


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
