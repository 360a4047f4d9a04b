"""The account's SCIM token: created, rotated and revoked. Its text is shown once."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, Forbidden, NotFound
from foundation.marks import N_
from tenants.principal import Principal
from tenants.scim.audit_actions import ScimAction
from tenants.scim.models import ScimToken
from tenants.secrets import NewSecret, bytes_of, text_of

_TOKEN: Final = re.compile(r"scim_([0-9a-f]{32})_([A-Za-z0-9_-]{43})", re.ASCII)
_SECRET_BYTES: Final = 32
OVERLAP: Final = timedelta(hours=24)
_SUBJECT: Final = "scim_token"


@dataclass(frozen=True, slots=True)
class TokenParts:
    tenant_id: UUID
    secret: bytes = field(repr=False)


def parse_token(text: str) -> TokenParts | None:
    match = _TOKEN.fullmatch(text)
    secret = bytes_of(match[2], _SECRET_BYTES) if match is not None else None
    return None if match is None or secret is None else TokenParts(UUID(match[1]), secret)


async def find_token(session: AsyncSession) -> ScimToken | None:
    """The token of the scope's account."""
    found: ScimToken | None = await session.scalar(
        select(ScimToken)
        .where(ScimToken.tenant_id == scope_of(session).tenant_id)
        .execution_options(populate_existing=True)
    )
    return found


async def get_token(session: AsyncSession) -> ScimToken:
    """Raises: NotFound."""
    found = await find_token(session)
    if found is None:
        raise NotFound(N_("This account has no SCIM token."))
    return found


async def create_token(session: AsyncSession, new_secret: NewSecret, by: Principal | None, *, now: datetime) -> str:
    """The text of a new token. `by` is None for the operator, else its rights are the limit of the token's.

    Raises:
        Conflict: the account has one.
        Forbidden: the caller is an API key, whose rights may be narrower than its creator's.
    """
    scope, secret = scope_of(session), new_secret(_SECRET_BYTES)
    values = _values(by, scope.actor.name, secret, now)
    added = insert(ScimToken).values(tenant_id=scope.tenant_id, msp_id=scope.msp_id, **values)
    made = await session.scalar(added.on_conflict_do_nothing().returning(ScimToken.tenant_id))
    if made is None:
        raise Conflict(N_("This account has a SCIM token already. Rotate it instead."))
    append_audit(session, action=ScimAction.TOKEN_CREATED, subject=_SUBJECT, data={}, at=now)
    return _text(made, secret)


async def rotate_token(session: AsyncSession, new_secret: NewSecret, by: Principal | None, *, now: datetime) -> str:
    """The text of the token that replaces the present one, which is accepted for `OVERLAP` more, so that the provider
    is not refused until somebody has entered the new one. One from an earlier rotation ends at once.

    Raises:
        NotFound: the account has none.
        Forbidden: see `create_token`.
    """
    scope, secret = scope_of(session), new_secret(_SECRET_BYTES)
    values = _values(by, scope.actor.name, secret, now)
    before = {
        "previous_hash": ScimToken.secret_hash, "previous_owner_id": ScimToken.owner_id,
        "previous_owner_home": ScimToken.owner_home, "previous_until": now + OVERLAP,
    }  # fmt: skip
    changed = update(ScimToken).where(ScimToken.tenant_id == scope.tenant_id).values(**before, **values)
    made = await session.scalar(changed.returning(ScimToken.tenant_id))
    if made is None:
        raise NotFound(N_("This account has no SCIM token."))
    append_audit(session, action=ScimAction.TOKEN_ROTATED, subject=_SUBJECT, data={}, at=now)
    return _text(made, secret)


async def revoke_token(session: AsyncSession, *, now: datetime) -> None:
    """End the token, and the one before it. Members stay as they are. Raises: NotFound."""
    own = ScimToken.tenant_id == scope_of(session).tenant_id
    if await session.scalar(delete(ScimToken).where(own).returning(ScimToken.tenant_id)) is None:
        raise NotFound(N_("This account has no SCIM token."))
    append_audit(session, action=ScimAction.TOKEN_REVOKED, subject=_SUBJECT, data={}, at=now)


def _values(by: Principal | None, name: str, secret: bytes, now: datetime) -> dict[str, object]:
    if by is not None and by.kind != "member":
        raise Forbidden(N_("Only a signed-in member can create or rotate a SCIM token."))
    return {
        "secret_hash": hashlib.sha256(secret).digest(),
        "owner_id": None if by is None else by.id,
        "owner_home": None if by is None else by.tenant_id,
        "created_at": now,
        "created_by": name,
        "last_used_at": None,
    }


def _text(tenant_id: UUID, secret: bytes) -> str:
    return f"scim_{tenant_id.hex}_{text_of(secret)}"
