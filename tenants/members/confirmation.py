"""Confirmation of members whose only voucher is their inviter.

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
from foundation.marks import N_
from tenants.audit_actions import TenantAction
from tenants.members.repository import get_member
from tenants.models import Member
from tenants.principal import Principal
from tenants.states import AccountStatus


async def confirm_member(session: AsyncSession, by: Principal, *, member_id: UUID, now: datetime) -> None:
    """Confirm that a member is not their inviter. Idempotent.

    Raises:
        Forbidden: the caller is a key, the member, the inviter, or vouched for by the same inviter.
        Conflict: the member has not joined yet.
    """
    member = await get_member(session, member_id, lock=True)
    if by.kind != "member":
        raise Forbidden(N_("Only a signed-in member can confirm that a member is who they say. Sign in to do this."))
    require_joined(member)
    if not needs_confirmation(member):
        return
    if not may_confirm(by, member):
        raise Forbidden(
            N_(
                "Someone else must confirm this member: an administrator who is not the member, did not invite them, "
                "and was not invited by the same person."
            )
        )
    await confirm(session, member, by=by.name, now=now)


def require_joined(member: Member) -> None:
    """Check that the invitation was used: before that, any holder of the link may still become this member.

    Raises:
        Conflict: the member has not joined yet, or is suspended.
    """
    if member.status != AccountStatus.ACTIVE or member.password_hash is None:
        raise Conflict(N_("This member has not joined yet, or is suspended. Confirm them once they have signed in."))


async def confirm(session: AsyncSession, member: Member, *, by: str, now: datetime) -> None:
    own = (Member.tenant_id == scope_of(session).tenant_id, Member.id == member.id)
    await session.execute(update(Member).where(*own).values(confirmed_at=now, confirmed_by=by))
    data = {"vouched_by": str(member.vouched_by or "")}
    append_audit(session, action=TenantAction.MEMBER_CONFIRMED, subject=f"member:{member.id}", data=data, at=now)


def needs_confirmation(member: Member) -> bool:
    return member.vouched_by is not None and member.confirmed_at is None


def may_confirm(by: Principal, member: Member) -> bool:
    """Whether `by` is independent of the member and of the member's vouchers."""
    behind = {str(member.id), str(member.vouched_by), str(member.inviter_id)}
    return by.kind == "member" and not by.actor.same_identity & behind


async def find_vouchers(session: AsyncSession, ids: Iterable[str]) -> dict[str, str]:
    """Vouchers of these members of the scope's account, by member id, for four-eyes rules; members without one are
    omitted.
    """
    requested = [found for one in ids if (found := _as_id(one)) is not None]
    if not requested:
        return {}
    rows = await session.execute(
        select(Member.id, Member.vouched_by).where(
            Member.tenant_id == scope_of(session).tenant_id,
            Member.id.in_(requested),
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
