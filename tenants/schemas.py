"""Request and response bodies of the API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from tenants.invitations.queries import invitation_state
from tenants.models import ApiKey, Client, Member
from tenants.states import InvitationState


class ClientView(msgspec.Struct, frozen=True):
    id: UUID
    slug: str
    name: str
    status: str
    currency: str
    created_at: datetime


class ApiKeyInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`manages_access` makes a key that may manage members, roles, invitations and keys, within its role and its
    creator's current rights. No other key may, whatever its role.
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


class MemberInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`partner_id` is for the role "partner" only."""

    email: str
    name: str
    role: str
    partner_id: UUID | None = None


class MemberView(msgspec.Struct, frozen=True):
    """`invitation` is null for members with a password set by the operator; `invitation_until` only while an invitation
    is open or expired.
    """

    id: UUID
    email: str
    name: str
    status: str
    partner_id: UUID | None
    created_at: datetime
    last_seen_at: datetime | None
    invitation: InvitationState | None
    invitation_until: datetime | None


class InvitedView(msgspec.Struct, frozen=True):
    """`link` lets its holder choose the member's password, once, within a week. Send it to the member only."""

    member: MemberView
    link: str


class DeviceLinkView(msgspec.Struct, frozen=True):
    """`link`, opened in a browser until `valid_until`, ends the wait for others' failed sign-ins there. It does not
    replace the password.
    """

    link: str
    valid_until: datetime


class ReasonInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
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


def member_view(member: Member, now: datetime) -> MemberView:
    return MemberView(
        id=member.id,
        email=member.email,
        name=member.name,
        status=member.status,
        partner_id=member.partner_id,
        created_at=member.created_at,
        last_seen_at=member.last_seen_at,
        invitation=invitation_state(member, now),
        invitation_until=member.invite_until if member.password_hash is None and member.invite_hash else None,
    )
