"""Administrators of the scope's account; at least one must remain."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from policy.index import PolicyIndex, Subjects, may
from policy.permissions import PolicyPermission
from policy.publishing import list_assignments, load_index
from policy.repository import lock_policy
from tenants.errors import LastAdministrator
from tenants.identity_providers.queries import linked_members
from tenants.models import Member
from tenants.permissions import TenantPermission
from tenants.states import AccountStatus

_ADMINISTERS = [tuple(one.split(":")) for one in (TenantPermission.INVITE_MEMBERS, PolicyPermission.ASSIGN_ROLE)]


async def require_other_administrator(session: AsyncSession, member: Member, *, losing: str | None = None) -> None:
    """Check before `member` is suspended, or loses the role `losing`. Holds the account's lock until the transaction
    ends, which serializes two administrators who act on each other at the same time.

    Raises:
        LastAdministrator: no other active member may invite members and assign roles here.
    """
    scope = scope_of(session)
    await lock_policy(session, scope)
    index = await load_index(session, scope)
    if not _administers(index, str(member.id)):
        return
    remaining = (await list_assignments(session, scope)).get(str(member.id), set()) - {losing}
    if losing is not None and _administers(index, tuple(remaining)):
        return
    ids = await _active(session)
    if member.id in ids and not any(_administers(index, str(one)) for one in ids - {member.id}):
        raise LastAdministrator


async def has_administrator(session: AsyncSession) -> bool:
    """Whether an active member who can sign in may invite members and assign roles in the scope's account."""
    index = await load_index(session, scope_of(session))
    return any(_administers(index, str(one)) for one in await _active(session))


async def _active(session: AsyncSession) -> set[UUID]:
    """Active members with a password, or an identity at the account's provider."""
    own = (Member.tenant_id == scope_of(session).tenant_id, Member.status == AccountStatus.ACTIVE)
    can_sign_in = Member.password_hash.is_not(None) | Member.id.in_(await linked_members(session))
    return set(await session.scalars(select(Member.id).where(*own, can_sign_in)))


def _administers(index: PolicyIndex, subjects: Subjects) -> bool:
    return all(may(index, subjects, obj, act).allowed for obj, act in _ADMINISTERS)
