"""Access tokens: issued to an OAuth 2 client, looked up at each request, revoked at once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.ids import new_id
from tenants.audit_actions import TenantAction
from tenants.auth.api_keys import SECRET_BYTES, KeyParts, key_text
from tenants.auth.key_authentication import find_token, is_right, note_use
from tenants.auth.services import AuthServices
from tenants.models import ApiKey, Client, OAuthToken
from tenants.states import AccountStatus, KeyUse

TOKEN_LIFE: Final = timedelta(minutes=15)
_KEPT: Final = timedelta(days=1)
"""Time for which an expired token stays in the table."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """`scope` is None for all permissions of the client."""

    text: str
    expires_in: int
    scope: Sequence[str] | None


async def find_client(session: AsyncSession, auth: AuthServices, parts: KeyParts) -> ApiKey | None:
    """The OAuth 2 client with these credentials; None for wrong ones, or if it or its account is not active."""
    own = (ApiKey.tenant_id == scope_of(session).tenant_id, ApiKey.id == parts.key_id)
    query = select(ApiKey, Client).outerjoin(Client, Client.tenant_id == ApiKey.tenant_id).where(*own)
    row = (await session.execute(query)).one_or_none()
    key, home = row if row is not None else (None, None)
    accepted = is_right(key, parts, auth.clock(), use=KeyUse.OAUTH_CLIENT)
    if key is None or not accepted or (home is not None and home.status != AccountStatus.ACTIVE):
        return None
    await note_use(session, key, auth.clock())
    return key


async def issue_token(
    session: AsyncSession, auth: AuthServices, client: ApiKey, permissions: Sequence[str] | None
) -> IssuedToken:
    """Issue a token. `permissions` narrows the client's, None does not."""
    now, scope, token_id = auth.clock(), scope_of(session), new_id()
    secret = auth.new_secret(SECRET_BYTES)
    of_client = (OAuthToken.tenant_id == scope.tenant_id, OAuthToken.key_id == client.id)
    await session.execute(delete(OAuthToken).where(*of_client, OAuthToken.expires_at < now - _KEPT))
    session.add(
        OAuthToken(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=token_id, key_id=client.id,
            secret_hash=hashlib.sha256(secret).digest(), permissions=permissions, issued_at=now,
            expires_at=now + TOKEN_LIFE,
        )
    )  # fmt: skip
    await session.flush()
    text = key_text(KeyParts(scope.tenant_id, token_id, secret, is_token=True))
    return IssuedToken(text, int(TOKEN_LIFE.total_seconds()), permissions or client.permissions)


async def find_own_token(
    session: AsyncSession, client: ApiKey, parts: KeyParts | None, *, now: datetime
) -> OAuthToken | None:
    """A live token of this client. A token of another client counts as unknown."""
    if parts is None or not parts.is_token or parts.tenant_id != client.tenant_id:
        return None
    token = await find_token(session, parts, now)
    return token if token is not None and token.key_id == client.id else None


async def revoke_token(session: AsyncSession, client: ApiKey, token: OAuthToken, *, now: datetime) -> None:
    """Revoke a token, effective with the next request."""
    token.revoked_at = now
    await session.flush()
    append_audit(
        session, action=TenantAction.API_KEY_TOKEN_REVOKED, subject=f"api_key:{client.id}",
        data={"name": client.name, "token": str(token.id)}, at=now,
    )  # fmt: skip


def own_permissions(client: ApiKey, token: OAuthToken) -> Sequence[str] | None:
    return token.permissions or client.permissions
