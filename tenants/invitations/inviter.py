"""Check of an inviter's rights at the time the invitation is used, not when the link was created."""

from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.scope import Scope
from policy.index import PolicyIndex
from policy.publishing import list_assignments
from tenants.auth.identity import load_principal
from tenants.auth.services import AuthServices
from tenants.errors import InviteNotValid
from tenants.members.change_member import assignable_roles
from tenants.models import Member
from tenants.permissions import TenantPermission
from tenants.principal import Principal


class Given(NamedTuple):
    """Roles of the invited member, and the policy of their account."""

    roles: frozenset[str]
    policy: PolicyIndex


async def check_colleague(session: AsyncSession, auth: AuthServices, member: Member) -> tuple[UUID, Given] | None:
    """Check an inviter of the same account, in the invitation's scope. Returns an inviter from outside the account,
    i.e. the MSP's staff, with the roles given, for `check_staff`.

    Raises:
        InviteNotValid: the inviter is suspended, or may no longer invite or give these roles.
    """
    scope = scope_of(session)
    if member.inviter_id is None:  # link made by the operator
        return None
    roles = frozenset((await list_assignments(session, scope)).get(str(member.id), ()))
    given = Given(roles, await auth.policies.index_for(session, scope))
    own = (Member.tenant_id == scope.tenant_id, Member.id == member.inviter_id)
    if scope.tenant_id != scope.msp_id and await session.scalar(select(Member.id).where(*own)) is None:
        return member.inviter_id, given
    _require(await load_principal(session, auth.policies, member.inviter_id), given, scope)
    return None


async def check_staff(auth: AuthServices, scope: Scope, inviter_id: UUID, given: Given) -> None:
    """Check an inviter of the MSP's staff. `scope` is the invitation's; its transaction has ended.

    Raises:
        InviteNotValid: see `check_colleague`.
    """
    msp_account = replace(scope, tenant_id=scope.msp_id)
    async with auth.db.transaction(msp_account) as session:
        _require(await load_principal(session, auth.policies, inviter_id), given, scope)


def _require(inviter: Principal | None, given: Given, scope: Scope) -> None:
    if inviter is None or not inviter.may(TenantPermission.INVITE_MEMBERS):
        raise InviteNotValid
    if not given.roles <= assignable_roles(inviter, given.policy, scope):
        raise InviteNotValid
