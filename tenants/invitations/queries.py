"""Invitation states of the scope's tenant."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from tenants.models import Member

LONGEST_PAGE: Final = 100


class InvitationState(StrEnum):
    WAITING = "waiting"
    EXPIRED = "expired"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


def invitation_state(member: Member, now: datetime) -> InvitationState | None:
    """None for a member who was never invited: the operator set a password."""
    if member.invited_at is None:
        return None
    if member.password_hash is not None:
        return InvitationState.ACCEPTED
    if member.invite_hash is None or member.invite_until is None:
        return InvitationState.WITHDRAWN
    return InvitationState.WAITING if now < member.invite_until else InvitationState.EXPIRED


async def list_invitations(session: AsyncSession, *, before: UUID | None = None) -> Sequence[Member]:
    """Every member ever invited, newest first (ids grow with time), starting below `before`."""
    own = (Member.tenant_id == scope_of(session).tenant_id, Member.invited_at.is_not(None))
    statement = select(Member).where(*own) if before is None else select(Member).where(*own, Member.id < before)
    return (await session.scalars(statement.order_by(Member.id.desc()).limit(LONGEST_PAGE))).all()


async def count_waiting(session: AsyncSession, *, now: datetime) -> int:
    statement = select(func.count()).where(
        Member.tenant_id == scope_of(session).tenant_id,
        Member.password_hash.is_(None),
        Member.invite_hash.is_not(None),
        Member.invite_until > now,
    )
    return await session.scalar(statement) or 0
