"""The ladder of an account for pages and the API, with the number of open items at each step."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from governance.escalations.ladder import check_steps, load_ladder
from governance.escalations.queries import count_at_steps, list_own_ladders
from governance.escalations.roles import SEES, label_of
from governance.escalations.schemas import EscalationStep, EscalationStepView, EscalationSubject, LadderView
from policy.index import PolicyIndex, may_approve
from policy.packaged import MSP_ROLES
from tenants.access import Access
from tenants.members.holders import find_holders


async def read_ladder(access: Access, index: PolicyIndex) -> LadderView:
    """Return the ladder of the account in the address. `index`: the policy of that account."""
    found = await load_ladder(access.session)
    steps = await view_steps(access, index, found.steps)
    replaced = await view_steps(access, index, found.inherited) if found.source == "own" and access.client else []
    if access.client is None:
        await access.enter_fleet()
        clients = await list_own_ladders(access.session)
        await access.enter_home()
    else:
        clients = []
    return LadderView(found.source, steps, replaced, found.changed_at, found.changed_by, clients)


async def preview_steps(
    access: Access, index: PolicyIndex, steps: Sequence[EscalationStep]
) -> Sequence[EscalationStepView]:
    """Return the steps with the items that would be open at each. Raises InvalidInput: see `check_steps`."""
    return await view_steps(access, index, check_steps(steps, index, of_msp=access.client is None))


async def view_steps(
    access: Access, index: PolicyIndex, steps: Sequence[EscalationStep]
) -> Sequence[EscalationStepView]:
    """Return the steps with members and open items. Time since a suspension of the client does not count."""
    members = await count_members(access.session, index, steps)
    client = access.client
    if client is None:
        await access.enter_fleet()
    now = access.now if client is None or client.suspended_at is None else min(access.now, client.suspended_at)
    counts = await count_at_steps(access.session, steps, now=now)
    if client is None:
        await access.enter_home()
    return [
        EscalationStepView(
            one.about, one.after_minutes, one.role, label_of(one.role, index.role_names, one.role_name),
            one.least_severity,
            one.subject is EscalationSubject.APPROVAL and _may_answer(index, one, in_msp=client is None), number,
            counts.get(place, 0),
        )
        for place, (one, number) in enumerate(zip(steps, members, strict=True))
    ]  # fmt: skip


async def count_members(
    session: AsyncSession, index: PolicyIndex, steps: Sequence[EscalationStep]
) -> Sequence[int | None]:
    """Members with each step's role who may see its subject; None for a role of the other account."""
    in_msp = scope_of(session).tenant_id == scope_of(session).msp_id
    counts: dict[tuple[str, str], int] = {}
    for about in EscalationSubject:
        roles = {one.role for one in steps if one.subject is about and _is_of_msp(one) is in_msp}
        held = await find_holders(session, index, roles, permission=SEES[about])
        counts |= {(about, role): len(ids) for role, ids in held.items()}
    return [counts.get((one.about, one.role)) if _is_of_msp(one) is in_msp else None for one in steps]


def _is_of_msp(step: EscalationStep) -> bool:
    return step.role in MSP_ROLES or bool(step.role_name)


def _may_answer(index: PolicyIndex, step: EscalationStep, *, in_msp: bool) -> bool:
    """Whether the step's role may answer approvals; False in a client's account for a role that the MSP composed,
    because only the MSP's policy has its permissions.
    """
    return may_approve(index, step.role) and (in_msp or not step.role_name)
