"""Suspension of members and assignment of their roles, within the caller's rights."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import Clock
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import NewId
from foundation.marks import N_
from policy.errors import RoleNotAssignable
from policy.packaged import CLIENT_ROLES
from policy.publishing import assign_role, list_assignments, revoke_role
from tenants.auth.services import AuthServices
from tenants.members.administrators import require_other_administrator
from tenants.members.repository import mark_resumed, mark_suspended
from tenants.models import Member
from tenants.principal import Principal

PARTNER: Final = "partner"
MACHINE: Final = "machine"
"""Role for API keys only."""


async def suspend_member(
    session: AsyncSession, by: Principal, member: Member, *, reason: str, auth: AuthServices
) -> None:
    """Suspend another member.

    Raises:
        Conflict: the member is the caller, or the creator of the calling key.
        LastAdministrator: no other member can administer the account.
        RoleNotAssignable: the member holds a role that the caller could not give.
    """
    if member.id in {by.id, by.on_behalf_of_id}:
        raise Conflict(N_("You cannot suspend yourself. Ask another administrator of this account."))
    await require_over(session, by, member)
    await require_other_administrator(session, member)
    await mark_suspended(session, member_id=member.id, reason=reason, now=auth.clock())


async def assign_to_member(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, by: Principal, member: Member, *, role: str, clock: Clock, new_id: NewId
) -> None:
    """Add a role. Idempotent.

    Raises:
        RoleNotAssignable: see `invite_member`.
    """
    scope = scope_of(session)
    if (role == PARTNER) != (member.partner_id is not None):
        raise InvalidInput(N_("A member of a partner can have the role “partner” only."), field="role")
    require_assignable(by, role, in_msp_account=scope.tenant_id == scope.msp_id)
    await assign_role(session, scope, member_id=member.id, role=role, clock=clock, new_id=new_id)


async def revoke_from_member(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, by: Principal, member: Member, *, role: str, clock: Clock, new_id: NewId
) -> None:
    """Remove a role, effective with the member's next request.

    Raises:
        Conflict: the role is the caller's own.
        LastAdministrator: no other member can administer the account.
        RoleNotAssignable: the caller could not give this role.
        NotFound: the member does not hold the role, or only through another role.
    """
    scope = scope_of(session)
    if member.id in {by.id, by.on_behalf_of_id}:
        raise Conflict(N_("You cannot remove a role from yourself. Ask another administrator of this account."))
    if role not in (await list_assignments(session, scope)).get(str(member.id), ()):
        raise NotFound(N_("This member does not have this role."))
    require_assignable(by, role, in_msp_account=scope.tenant_id == scope.msp_id)
    await require_other_administrator(session, member, losing=role)
    await revoke_role(session, scope, member_id=member.id, role=role, clock=clock, new_id=new_id)


async def resume_member(session: AsyncSession, by: Principal, member: Member, *, auth: AuthServices) -> None:
    """Reactivate a suspended member.

    Raises:
        Conflict: the member is the creator of the calling key.
        RoleNotAssignable: the member holds a role that the caller could not give.
    """
    if member.id in {by.id, by.on_behalf_of_id}:
        raise Conflict(N_("You cannot resume yourself. Ask another administrator of this account."))
    await require_over(session, by, member)
    await mark_resumed(session, member_id=member.id, reason="resumed", now=auth.clock())


async def require_over(session: AsyncSession, by: Principal, member: Member) -> None:
    """Check the caller's rights over a member. Staff may act on all members of a client.

    Raises:
        RoleNotAssignable: `member` holds a role that `by` could not give.
    """
    scope = scope_of(session)
    if by.is_staff and scope.tenant_id != scope.msp_id:
        return
    for role in (await list_assignments(session, scope)).get(str(member.id), ()):
        require_assignable(by, role, in_msp_account=scope.tenant_id == scope.msp_id)


def assignable_roles(by: Principal, *, in_msp_account: bool) -> frozenset[str]:
    """Roles that the caller may give: no more than the caller holds, except for staff in a client's account; for a key,
    no more than its creator's current ones.
    """
    if by.on_behalf_of is not None:
        return _assignable(by, in_msp_account=in_msp_account) & _assignable(
            by.on_behalf_of, in_msp_account=in_msp_account
        )
    return _assignable(by, in_msp_account=in_msp_account)


def _assignable(by: Principal, *, in_msp_account: bool) -> frozenset[str]:
    if by.is_staff and not in_msp_account:
        return CLIENT_ROLES - {MACHINE}
    return frozenset(by.roles) | (frozenset() if in_msp_account else {PARTNER})


def require_assignable(by: Principal, role: str, *, in_msp_account: bool) -> None:
    givable = assignable_roles(by, in_msp_account=in_msp_account)
    if role not in givable:
        raise RoleNotAssignable(
            N_("You can assign one of: {known}. Ask a member with the role “{role}”."),
            params={"known": ", ".join(sorted(givable)) or "—", "role": role},
            role=role,
        )
