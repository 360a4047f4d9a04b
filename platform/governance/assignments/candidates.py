"""Members to whom an item can be assigned: of the client, and of its MSP's staff."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import change_scope, scope_of
from foundation.errors import InvalidInput
from foundation.marks import N_
from governance.assignments.schemas import Candidate
from governance.escalations.roles import SEES
from governance.escalations.schemas import OpenItem
from policy.cache import PolicyCache
from tenants.emails import clean_email
from tenants.members.holders import list_permitted
from tenants.models import Member
from tenants.relations import CLIENTS
from tenants.states import StaffAccess


async def list_candidates(session: AsyncSession, policies: PolicyCache, item: OpenItem) -> Sequence[Candidate]:
    """Members who may see the item; staff only where the client admits them always. Before the first effect of the
    transaction: staff are read in the MSP's scope.
    """
    return [Candidate(one.id, one.name, is_staff) for one, is_staff in await _find_members(session, policies, item)]


async def find_candidate_id(session: AsyncSession, policies: PolicyCache, item: OpenItem, email: str) -> UUID:
    """The candidate with this address, the client's own first. Raises InvalidInput."""
    wanted = clean_email(email)
    for one, _ in await _find_members(session, policies, item):
        if one.email == wanted:
            return one.id
    raise no_candidate()


def no_candidate() -> InvalidInput:
    return InvalidInput(
        N_("Choose a member of this account, or of the service provider, who may see this."), field="assignee"
    )


async def _find_members(session: AsyncSession, policies: PolicyCache, item: OpenItem) -> Sequence[tuple[Member, bool]]:
    scope = scope_of(session)
    client = text(f"SELECT staff_access FROM {CLIENTS} c WHERE tenant_id = :t")
    admits = await session.scalar(client, {"t": scope.tenant_id}) == StaffAccess.STANDING
    found = [(one, False) for one in await _permitted(session, policies, item)]
    if admits:
        await change_scope(session, scope.for_tenant(scope.msp_id))
        found += [(one, True) for one in await _permitted(session, policies, item)]
        await change_scope(session, scope)
    return found


async def _permitted(session: AsyncSession, policies: PolicyCache, item: OpenItem) -> Sequence[Member]:
    index = await policies.index_for(session, scope_of(session))
    return await list_permitted(session, index, permission=SEES[item.about])
