"""Where the invitations of the scope's tenant stand."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from tenants.models import Person

LONGEST_PAGE: Final = 100


class InvitationState(StrEnum):
    WAITING = "waiting"
    EXPIRED = "expired"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


def invitation_state(person: Person, now: datetime) -> InvitationState | None:
    """None for somebody who was never invited: the operator gave them a password."""
    if person.invited_at is None:
        return None
    if person.password_hash is not None:
        return InvitationState.ACCEPTED
    if person.invite_hash is None or person.invite_until is None:
        return InvitationState.WITHDRAWN
    return InvitationState.WAITING if now < person.invite_until else InvitationState.EXPIRED


async def list_invitations(session: AsyncSession, *, before: UUID | None = None) -> Sequence[Person]:
    """Everybody who was ever invited, newest first (their ids grow with time), from the one older than `before`."""
    own = (Person.tenant_id == scope_of(session).tenant_id, Person.invited_at.is_not(None))
    statement = select(Person).where(*own) if before is None else select(Person).where(*own, Person.id < before)
    return (await session.scalars(statement.order_by(Person.id.desc()).limit(LONGEST_PAGE))).all()


async def count_waiting(session: AsyncSession, *, now: datetime) -> int:
    statement = select(func.count()).where(
        Person.tenant_id == scope_of(session).tenant_id,
        Person.password_hash.is_(None),
        Person.invite_hash.is_not(None),
        Person.invite_until > now,
    )
    return await session.scalar(statement) or 0
