"""Members with a role or permission in an account."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from policy.index import PolicyIndex, may, roles_of
from policy.publishing import list_assignments
from tenants.models import Member
from tenants.states import AccountStatus


async def find_holders(
    session: AsyncSession, index: PolicyIndex, roles: Collection[str], *, permission: str
) -> Mapping[str, Sequence[UUID]]:
    """Active members of the scope's account with `permission`, by role, without those of partners: members to whom the
    role is assigned, else those whose role includes it.
    """
    if not roles:
        return {}
    ids = [one.id for one in await list_permitted(session, index, permission=permission)]
    assigned = await list_assignments(session, scope_of(session))
    return {
        role: [one for one in ids if role in assigned.get(str(one), ())]
        or [one for one in ids if role in roles_of(index, str(one))]
        for role in roles
    }


async def list_permitted(session: AsyncSession, index: PolicyIndex, *, permission: str) -> Sequence[Member]:
    """Active members of the scope's account with `permission`, by name, without those of partners."""
    active = select(Member).where(
        Member.tenant_id == scope_of(session).tenant_id,
        Member.status == AccountStatus.ACTIVE,
        Member.partner_id.is_(None),
    )
    obj, _, act = permission.partition(":")
    found = await session.scalars(active.order_by(Member.name, Member.id))
    return [one for one in found if may(index, str(one.id), obj, act).allowed]
