"""Members whom the steps of a ladder notify: of the client, and of its MSP's staff."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.scope import Scope
from governance.escalations.roles import SEES, is_held_in
from governance.escalations.schemas import EscalationStep, EscalationSubject
from governance.services import GovernanceServices
from policy.cache import PolicyCache
from tenants.members.holders import find_holders
from tenants.relations import CLIENTS
from tenants.states import StaffAccess

People = Mapping[tuple[str, str], Sequence[UUID]]
"""Ids of members by the subject and the role of a step."""
_LAST_RESORT = ("client_admin", "msp_admin")
"""Roles notified of a step whose own role nobody has, so that no step is without effect."""


async def find_people(services: GovernanceServices, scope: Scope, steps: Sequence[EscalationStep]) -> People:
    """Members with the role of each step who may see its subject, in transactions of their own: the MSP's staff belong
    to another account than the client. Staff whom the client admits on request only are not notified.
    """
    found: defaultdict[tuple[str, str], list[UUID]] = defaultdict(list)
    async with services.database.transaction(scope) as session:
        for key, ids in (await _holders(session, services.policies, _wanted(steps, msp=False))).items():
            found[key] += ids
        client = text(f"SELECT staff_access FROM {CLIENTS} c WHERE tenant_id = :t")
        access = await session.scalar(client, {"t": scope.tenant_id})
    if access == StaffAccess.STANDING:
        async with services.database.transaction(scope.for_tenant(scope.msp_id)) as session:
            for key, ids in (await _holders(session, services.policies, _wanted(steps, msp=True))).items():
                found[key] += ids
    return {(one.about, one.role): found[one.about, one.role] or _administrators(found, one.about) for one in steps}


def _wanted(steps: Sequence[EscalationStep], *, msp: bool) -> set[tuple[str, str]]:
    """Subjects and roles to look up in the MSP's account, or in the client's."""
    held = {(str(one.about), one.role) for one in steps if is_held_in(one, msp=msp)}
    return held | {(str(one.about), role) for one in steps for role in _LAST_RESORT}


def _administrators(found: Mapping[tuple[str, str], list[UUID]], about: str) -> list[UUID]:
    return list(dict.fromkeys(member for role in _LAST_RESORT for member in found[about, role]))


async def _holders(session: AsyncSession, policies: PolicyCache, wanted: set[tuple[str, str]]) -> People:
    index = await policies.index_for(session, scope_of(session))
    return {
        (about, role): ids
        for about in EscalationSubject
        for role, ids in (
            await find_holders(session, index, {role for one, role in wanted if one == about}, permission=SEES[about])
        ).items()
    }
