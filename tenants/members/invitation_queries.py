"""Invitation states of the scope's tenant."""

from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.marks import N_
from foundation.web.pagination import ListQuery, ResultPage, Sort, SortKey, select_page
from tenants.models import Member
from tenants.states import InvitationState

NEWEST_FIRST: Final = Sort(
    name="-invited",
    label=N_("Newest first"),
    reverse_label=N_("Oldest first"),
    keys=[SortKey("member.id", "uuid", descending=True)],
)
"""By id: ids grow with time."""
ALL_INVITED: Final = ListQuery(list="invitations", sort=NEWEST_FIRST, limit=100)


def invitation_state(member: Member, now: datetime) -> InvitationState | None:
    """None for a member who was never invited: the operator set a password."""
    if member.invited_at is None:
        return None
    if member.password_hash is not None:
        return InvitationState.ACCEPTED
    if member.invite_hash is None or member.invite_until is None:
        return InvitationState.WITHDRAWN
    return InvitationState.WAITING if now < member.invite_until else InvitationState.EXPIRED


async def list_invitations(session: AsyncSession, query: ListQuery = ALL_INVITED) -> ResultPage[Member]:
    """One page of `tenants.lists.INVITATIONS`: every member ever invited."""
    own = (Member.tenant_id == scope_of(session).tenant_id, Member.invited_at.is_not(None))
    return await select_page(session, select(Member).where(*own), query)


async def count_waiting(session: AsyncSession, *, now: datetime) -> int:
    statement = select(func.count()).where(
        Member.tenant_id == scope_of(session).tenant_id,
        Member.password_hash.is_(None),
        Member.invite_hash.is_not(None),
        Member.invite_until > now,
    )
    return await session.scalar(statement) or 0
