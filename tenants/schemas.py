"""Request and response bodies of the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody
from tenants.auth.api_keys import SECRET_CHARACTERS, client_id_of
from tenants.models import ApiKey, Client
from tenants.states import KeyUse


class ClientView(msgspec.Struct, frozen=True):
    """A client. `language`, `time_zone` and `region` are empty if not chosen. `revision` is also in the header ETag of
    one client.
    """

    id: UUID
    slug: str
    name: str
    status: str
    currency: str
    created_at: datetime
    language: str
    time_zone: str
    region: str
    environment: str
    revision: int


class ApiKeyInput(RequestBody, frozen=True):
    """`manages_access` makes a key that may manage members, roles, invitations and keys, within its role and its
    creator's current rights. No other key may, regardless of its role.
    """

    name: str
    role: str = "machine"
    manages_access: bool = False
    permissions: Sequence[str] | None = None
    """Permissions to which the key is limited; null allows all of the role."""
    expires_at: datetime | None = None
    use: KeyUse = KeyUse.KEY
    """`oauth_client` makes an OAuth 2 client: its credentials are for the token endpoint only."""


class ApiKeyRotation(RequestBody, frozen=True):
    """The previous secret is accepted for `overlap_hours`. `expires_at` replaces the expiry, if given."""

    overlap_hours: Annotated[int, msgspec.Meta(ge=0, le=720)] = 24
    expires_at: datetime | None = None


class ApiKeyView(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    role: str
    manages_access: bool
    created_at: datetime
    created_by: str
    last_used_at: datetime | None
    revoked_at: datetime | None
    use: KeyUse
    permissions: Sequence[str] | None
    expires_at: datetime | None
    previous_until: datetime | None
    """Until then the secret before the last rotation is accepted too."""


class NewApiKeyView(msgspec.Struct, frozen=True):
    """`key` is shown only in this response. An OAuth 2 client has `client_id` and `client_secret` in its place."""

    api_key: ApiKeyView
    key: str | None
    client_id: str | None = None
    client_secret: str | None = None


class ReasonInput(RequestBody, frozen=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


def client_view(client: Client) -> ClientView:
    return ClientView(
        id=client.tenant_id,
        slug=client.slug,
        name=client.name,
        status=client.status,
        currency=client.currency,
        created_at=client.created_at,
        language=client.language or "",
        time_zone=client.time_zone or "",
        region=client.region,
        environment=client.environment,
        revision=client.revision,
    )


def api_key_view(key: ApiKey) -> ApiKeyView:
    return ApiKeyView(
        id=key.id,
        name=key.name,
        role=key.role,
        manages_access=key.manages_access,
        created_at=key.created_at,
        created_by=key.created_by,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
        use=KeyUse.of(key.use),
        permissions=key.permissions,
        expires_at=key.expires_at,
        previous_until=key.previous_until,
    )


def new_key_view(key: ApiKey, text: str) -> NewApiKeyView:
    """View of a new key, with its credentials in the form of its use."""
    if key.use == KeyUse.KEY:
        return NewApiKeyView(api_key_view(key), text)
    secret = text[-SECRET_CHARACTERS:]
    return NewApiKeyView(api_key_view(key), None, client_id_of(key.tenant_id, key.id), secret)
