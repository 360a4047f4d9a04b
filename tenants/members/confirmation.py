"""Confirmation of members who are vouched for by their inviter only.

An inviter sees the invitation's link, and could open it in another browser and approve their own proposals as a second
member. So four-eyes rules count inviter and invited as one until an administrator who is neither, and is not vouched
for by the same inviter, confirms that the member is somebody else (docs/operations.md).
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, Forbidden
from tenants.members.repository import get_member
from tenants.models import AccountStatus, Member
from tenants.principal import Principal


async def confirm_member(session: AsyncSession, by: Principal, *, person_id: UUID, now: datetime) -> None:
    """Confirm that a member is not their inviter. Idempotent.

    Raises:
        Forbidden: the caller is a key, the member, the inviter, or vouched for by the same inviter.
        Conflict: the member has not joined yet.
    """
    person = await get_member(session, person_id, lock=True)
    if by.kind != "person":
        raise Forbidden("Only a person can confirm that a member is who they say. Sign in to do this.")
    require_joined(person)
    if not needs_confirmation(person):
        return
    if not may_confirm(by, person):
        raise Forbidden(
            "Somebody else has to confirm this person: an administrator who is not the person, did not invite them and"
            " was not invited by the same one."
        )
    await confirm(session, person, by=by.name, now=now)


def require_joined(person: Member) -> None:
    """Check that the invitation was used: before that, any holder of the link may still become this member.

    Raises:
        Conflict: the member has not joined yet, or is suspended.
    """
    if person.status != AccountStatus.ACTIVE or person.password_hash is None:
        raise Conflict("This person has not joined yet, or is suspended. Confirm them once they have signed in.")


async def confirm(session: AsyncSession, person: Member, *, by: str, now: datetime) -> None:
    own = (Member.tenant_id == scope_of(session).tenant_id, Member.id == person.id)
    await session.execute(update(Member).where(*own).values(confirmed_at=now, confirmed_by=by))
    data = {"vouched_by": str(person.vouched_by or "")}
    append_audit(session, action="person.confirmed", subject=f"person:{person.id}", data=data, at=now)


def needs_confirmation(person: Member) -> bool:
    return person.vouched_by is not None and person.confirmed_at is None


def may_confirm(by: Principal, person: Member) -> bool:
    """Whether `by` is independent of the member and of the member's vouchers."""
    behind = {str(person.id), str(person.vouched_by), str(person.inviter_id)}
    return by.kind == "person" and not by.actor.one_person & behind


async def find_vouchers(session: AsyncSession, ids: Iterable[str]) -> dict[str, str]:
    """Vouchers of these members of the scope's account, by member id, for four-eyes rules; members without one are
    omitted.
    """
    asked = [found for one in ids if (found := _as_id(one)) is not None]
    if not asked:
        return {}
    rows = await session.execute(
        select(Member.id, Member.vouched_by).where(
            Member.tenant_id == scope_of(session).tenant_id,
            Member.id.in_(asked),
            Member.vouched_by.is_not(None),
            Member.confirmed_at.is_(None),
        )
    )
    return {str(row.id): str(row.vouched_by) for row in rows}


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
