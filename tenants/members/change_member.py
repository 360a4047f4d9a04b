"""Suspension of members and assignment of their roles, within the caller's rights.

The caller is None for the operator of the installation, who may do this in every account (`fairlead member`).
"""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import NewId
from foundation.marks import N_
from foundation.scope import Scope
from policy.errors import RoleNotAssignable
from policy.index import PolicyIndex, permissions_of
from policy.packaged import CLIENT_ROLES, MSP_ROLES, SYSTEM_ROLES
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
    session: AsyncSession, by: Principal | None, member: Member, *, reason: str, auth: AuthServices
) -> None:
    """Suspend another member.

    Raises:
        Conflict: the member is the caller, or the creator of the calling key.
        LastAdministrator: no other member can administer the account.
        RoleNotAssignable: the member holds a role that the caller could not give.
    """
    if _is_self(by, member):
        raise Conflict(N_("You cannot suspend yourself. Ask another administrator of this account."))
    await require_over(session, by, member, auth=auth)
    await require_other_administrator(session, member)
    await mark_suspended(session, member_id=member.id, reason=reason, now=auth.clock())


async def assign_to_member(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, by: Principal | None, member: Member, *, role: str, auth: AuthServices, new_id: NewId
) -> None:
    """Add a role. Idempotent.

    Raises:
        RoleNotAssignable: see `invite_member`.
    """
    scope = scope_of(session)
    if (role == PARTNER) != (member.partner_id is not None):
        raise InvalidInput(N_("A member of a partner can have the role “partner” only."), field="role")
    require_assignable(by, role, await auth.policies.index_for(session, scope), scope)
    await assign_role(session, scope, member_id=member.id, role=role, clock=auth.clock, new_id=new_id)


async def revoke_from_member(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, by: Principal | None, member: Member, *, role: str, auth: AuthServices, new_id: NewId
) -> None:
    """Remove a role, effective with the member's next request.

    Raises:
        Conflict: the role is the caller's own.
        LastAdministrator: no other member can administer the account.
        RoleNotAssignable: the caller could not give this role.
        NotFound: the member does not hold the role, or only through another role.
    """
    scope = scope_of(session)
    if _is_self(by, member):
        raise Conflict(N_("You cannot remove a role from yourself. Ask another administrator of this account."))
    if role not in (await list_assignments(session, scope)).get(str(member.id), ()):
        raise NotFound(N_("This member does not have this role."))
    require_assignable(by, role, await auth.policies.index_for(session, scope), scope)
    await require_other_administrator(session, member, losing=role)
    await revoke_role(session, scope, member_id=member.id, role=role, clock=auth.clock, new_id=new_id)


async def resume_member(
    session: AsyncSession, by: Principal | None, member: Member, *, auth: AuthServices, reason: str = "resumed"
) -> None:
    """Reactivate a suspended member.

    Raises:
        Conflict: the member is the creator of the calling key.
        RoleNotAssignable: the member holds a role that the caller could not give.
    """
    if _is_self(by, member):
        raise Conflict(N_("You cannot resume yourself. Ask another administrator of this account."))
    await require_over(session, by, member, auth=auth)
    await mark_resumed(session, member_id=member.id, reason=reason, now=auth.clock())


async def require_over(session: AsyncSession, by: Principal | None, member: Member, *, auth: AuthServices) -> None:
    """Check the caller's rights over a member. Staff may act on all members of a client.

    Raises:
        RoleNotAssignable: `member` holds a role that `by` could not give.
    """
    scope = scope_of(session)
    if by is None or (by.is_staff and scope.tenant_id != scope.msp_id):
        return
    index = await auth.policies.index_for(session, scope)
    for role in (await list_assignments(session, scope)).get(str(member.id), ()):
        require_assignable(by, role, index, scope)


def _is_self(by: Principal | None, member: Member) -> bool:
    """Whether the caller is the member, or a key that the member created."""
    return by is not None and member.id in {by.id, by.on_behalf_of_id}


def assignable_roles(by: Principal | None, index: PolicyIndex, scope: Scope) -> frozenset[str]:
    """Roles of the scope's account that the caller may give: those without a permission that the caller does not have;
    for a key, that the key or its creator does not have. `index` is the account's policy.

    An account's administrators invite its trading partners, whose only role shows them their own channel.
    """
    own = set(index.role_names) | {role for role in (by.roles if by else ()) if role not in SYSTEM_ROLES}
    here = (MSP_ROLES if scope.tenant_id == scope.msp_id else CLIENT_ROLES - {MACHINE, PARTNER}) | own
    held = {role for role in here if by is None or all(map(by.may, permissions_of(index, role)))}
    return frozenset(held if scope.tenant_id == scope.msp_id else held | {PARTNER})


def require_assignable(by: Principal | None, role: str, index: PolicyIndex, scope: Scope) -> None:
    """Raises: RoleNotAssignable."""
    givable = assignable_roles(by, index, scope)
    if role not in givable:
        raise RoleNotAssignable(
            N_("You can assign one of: {known}. Ask a member with the role “{role}”."),
            params={"known": ", ".join(sorted(givable)) or "—", "role": role},
            role=role,
        )
