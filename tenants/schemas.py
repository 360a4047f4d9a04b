"""Request and response bodies of the API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody
from tenants.models import ApiKey, Client


class ClientView(msgspec.Struct, frozen=True):
    id: UUID
    slug: str
    name: str
    status: str
    currency: str
    created_at: datetime


class ApiKeyInput(RequestBody, frozen=True):
    """`manages_access` makes a key that may manage members, roles, invitations and keys, within its role and its
    creator's current rights. No other key may, regardless of its role.
    """

    name: str
    role: str = "machine"
    manages_access: bool = False


class ApiKeyView(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    role: str
    manages_access: bool
    created_at: datetime
    created_by: str
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewApiKeyView(msgspec.Struct, frozen=True):
    """`key` is shown only in this response."""

    api_key: ApiKeyView
    key: str


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
    )
