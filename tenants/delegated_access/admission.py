"""Admission of an MSP's staff to a client that admits them on request only."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from policy.cache import PolicyCache
from policy.index import roles_of
from tenants.delegated_access.audit_actions import AccessAction
from tenants.delegated_access.errors import AccessNeeded
from tenants.models import AccessGrant, Client
from tenants.notifications.notify import notify
from tenants.notifications.own_kinds import ACCESS_USED
from tenants.principal import Principal
from tenants.states import AccessState, StaffAccess


def admits_always(principal: Principal, client: Client) -> bool:
    return not principal.is_staff or client.staff_access == StaffAccess.STANDING


async def admit_staff(
    session: AsyncSession, policies: PolicyCache, principal: Principal, client: Client, *, now: datetime
) -> Principal:
    """The principal with the rights that the client grants now, in the client's scope: those of the granted role, by
    the client's policy, instead of those at home. A key has the intersection of its own and its creator's granted
    rights.

    Raises:
        AccessNeeded: no access is granted to the member now.
    """
    behind = principal if principal.kind == "member" else principal.on_behalf_of
    grant = None if behind is None else await find_grant(session, behind, now=now)
    if behind is None or grant is None:
        raise AccessNeeded(client.slug)
    if grant.used_at is None:
        await _record_first_use(session, grant, now)
    lent = await lend_rights(session, policies, behind, grant)
    return lent if principal.kind == "member" else replace(principal, on_behalf_of=lent)


async def lend_rights(session: AsyncSession, policies: PolicyCache, member: Principal, grant: AccessGrant) -> Principal:
    """A member of the staff with the rights of a grant of the scope's client."""
    index = await policies.index_for(session, scope_of(session))
    roles = (grant.role, *sorted(roles_of(index, grant.role)))
    return replace(member, roles=roles, policy=index, granted_until=grant.ends_at, at_home=member)


async def find_grant(session: AsyncSession, member: Principal, *, now: datetime) -> AccessGrant | None:
    """The access that the scope's client grants to a member now."""
    found: AccessGrant | None = await session.scalar(
        select(AccessGrant)
        .where(
            AccessGrant.tenant_id == scope_of(session).tenant_id,
            AccessGrant.member_id == member.id,
            AccessGrant.state == AccessState.GRANTED,
            AccessGrant.ends_at > now,
        )
        .order_by(AccessGrant.ends_at.desc())
        .limit(1)
    )
    return found


async def _record_first_use(session: AsyncSession, grant: AccessGrant, now: datetime) -> None:
    own = (AccessGrant.tenant_id == grant.tenant_id, AccessGrant.id == grant.id, AccessGrant.used_at.is_(None))
    marked = await session.scalar(update(AccessGrant).where(*own).values(used_at=now).returning(AccessGrant.id))
    if marked is not None:
        data = {"member": grant.member_name, "role": grant.role}
        append_audit(session, action=AccessAction.ACCESS_USED, subject=f"access:{grant.id}", data=data, at=now)
        params = {"member": grant.member_name}
        notify(session, ACCESS_USED, topic="access", path="/access", at=now, params=params)
