"""The calling account, found by its token, with the rights of the token's creator."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, update

from foundation.errors import Forbidden
from foundation.marks import N_
from foundation.scope import Actor, Scope
from foundation.web.rate_limit import RateLimited, RateLimits
from tenants.auth.identity import load_principal
from tenants.auth.services import AuthServices
from tenants.errors import Suspended
from tenants.limits import limits_of
from tenants.models import Client, Msp
from tenants.principal import Principal
from tenants.scim.errors import ScimRefusal
from tenants.scim.models import ScimToken
from tenants.scim.tokens import TokenParts, parse_token
from tenants.states import AccountStatus, StaffAccess

_ACTOR: Final = Actor.system("scim")
_NOTE_USE_EVERY: Final = timedelta(minutes=1)
_NO_HASH: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class ScimCaller:
    """The caller. `owner` limits the token's rights; None for a token of the operator. `base`: the address of SCIM."""

    auth: AuthServices
    scope: Scope
    owner: Principal | None
    base: str


@dataclass(frozen=True, slots=True)
class _Known:
    owner_id: UUID | None
    owner_home: UUID
    takes_staff: bool
    limits: RateLimits


async def find_caller(auth: AuthServices, *, msp_id: UUID, authorization: str, base: str) -> ScimCaller:
    """Raises:
    ScimRefusal: 401, the token is unknown, replaced, revoked, or another MSP's.
    Suspended: the account is suspended.
    Forbidden: the member who made the token is suspended, or has no access any more.
    RateLimited: too many requests.
    """
    scheme, _, text = authorization.partition(" ")
    parts = parse_token(text.strip()) if scheme.lower() == "bearer" else None
    if parts is None:
        raise _unknown()
    scope = Scope(msp_id=msp_id, tenant_id=parts.tenant_id, actor=_ACTOR)
    known = await _find_known(auth, scope, parts)
    owner = await _find_owner(auth, scope, known)
    if auth.limiter is not None:
        _, wait = await auth.limiter.take(
            msp_id=msp_id, tenant_id=scope.tenant_id, caller="scim", limits=known.limits
        )  # fmt: skip
        if wait:
            raise RateLimited(wait)
    return ScimCaller(auth, scope, owner, base)


async def _find_known(auth: AuthServices, scope: Scope, parts: TokenParts) -> _Known:
    now = auth.clock()
    async with auth.db.transaction(scope) as session:
        row = (
            await session.execute(
                select(ScimToken, Client, Msp)
                .outerjoin(Client, Client.tenant_id == ScimToken.tenant_id)
                .outerjoin(Msp, Msp.tenant_id == ScimToken.tenant_id)
                .where(ScimToken.tenant_id == scope.tenant_id)
            )
        ).one_or_none()
        token, client, msp = row if row is not None else (None, None, None)
        given = hashlib.sha256(parts.secret).digest()
        is_current = hmac.compare_digest(given, _NO_HASH if token is None else bytes(token.secret_hash))
        earlier = _NO_HASH if token is None or token.previous_hash is None else bytes(token.previous_hash)
        is_previous = hmac.compare_digest(given, earlier)
        if token is None or not (is_current or (is_previous and token.previous_until and now < token.previous_until)):
            raise _unknown()
        if client is not None and client.status != AccountStatus.ACTIVE:
            raise Suspended
        if is_current and (token.last_used_at is None or now - token.last_used_at >= _NOTE_USE_EVERY):
            own = ScimToken.tenant_id == scope.tenant_id
            await session.execute(update(ScimToken).where(own).values(last_used_at=now))
        takes_staff = client is None or client.staff_access == StaffAccess.STANDING
        owner_id, home = (
            (token.owner_id, token.owner_home) if is_current else (token.previous_owner_id, token.previous_owner_home)
        )
        return _Known(owner_id, home or scope.tenant_id, takes_staff, limits_of(client or msp))


async def _find_owner(auth: AuthServices, scope: Scope, known: _Known) -> Principal | None:
    if known.owner_id is None:
        return None
    home = scope.for_tenant(known.owner_home)
    async with auth.db.transaction(home) as session:
        owner = await load_principal(session, auth.policies, known.owner_id)
    is_guest = known.owner_home != scope.tenant_id
    if owner is None or (is_guest and not known.takes_staff):
        raise Forbidden(
            N_("The member who created this SCIM token no longer has access to this account. Rotate the token.")
        )
    return owner


def _unknown() -> ScimRefusal:
    return ScimRefusal(401, "The token is not accepted here. Use the active SCIM token of this account.")
