"""Request and response bodies of the API of members."""

from datetime import datetime
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody
from tenants.members.invitation_queries import invitation_state
from tenants.models import Member
from tenants.states import InvitationState


class MemberInput(RequestBody, frozen=True):
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
