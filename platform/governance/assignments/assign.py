"""Use case: assignment of an approval or exception to a member."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict
from foundation.marks import N_
from governance.assignments.audit_actions import AssignmentAction
from governance.assignments.candidates import list_candidates, no_candidate
from governance.assignments.items import audit_subject, path_of, subject_of
from governance.assignments.models import ItemAssignment
from governance.assignments.queries import find_assignment
from governance.assignments.schemas import ME
from governance.escalations.schemas import EscalationSubject, OpenItem
from governance.notices import APPROVAL_ASSIGNED, EXCEPTION_ASSIGNED
from policy.cache import PolicyCache
from tenants.notifications.notify import notify

_KINDS = {EscalationSubject.APPROVAL: APPROVAL_ASSIGNED, EscalationSubject.EXCEPTION: EXCEPTION_ASSIGNED}


async def assign_item(
    session: AsyncSession, policies: PolicyCache, item: OpenItem, assignee: str, *, now: datetime
) -> None:
    """Assign an open item to a candidate by id, to the caller by `me`, or to nobody by an empty text. The same
    assignment again has no effect.

    Raises:
        Conflict: the item is closed.
        InvalidInput: no member who may see the item.
    """
    if not item.is_open:
        raise Conflict(N_("This is closed, so nobody works on it. Reload the page to see its state."))
    chosen = await _choose(session, policies, item, assignee) if assignee else None
    before = await find_assignment(session, item)
    if (before and before.member_id) == (chosen and chosen[0]):
        return
    if chosen is None:
        await _remove(session, item, now)
    else:
        await _set(session, item, *chosen, now)


async def _choose(session: AsyncSession, policies: PolicyCache, item: OpenItem, assignee: str) -> tuple[UUID, str]:
    """Return id and name of the assignee. A member acting here may see the item, whatever their account. Raises
    InvalidInput.
    """
    actor = scope_of(session).actor
    own = actor.responsible_member_id
    member_id = own if assignee == ME else _to_id(assignee)
    if member_id is None:
        raise no_candidate()
    if member_id == own and actor.kind == "member":
        return member_id, actor.name
    for one in await list_candidates(session, policies, item):
        if one.id == member_id:
            return one.id, one.name
    raise no_candidate()


def _to_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _remove(session: AsyncSession, item: OpenItem, now: datetime) -> None:
    await session.execute(
        delete(ItemAssignment).where(
            ItemAssignment.tenant_id == scope_of(session).tenant_id, ItemAssignment.subject_id == subject_of(item)
        )
    )
    append_audit(session, action=AssignmentAction.ASSIGNMENT_REMOVED, subject=audit_subject(item), data={}, at=now)


async def _set(session: AsyncSession, item: OpenItem, member_id: UUID, name: str, now: datetime) -> None:
    scope = scope_of(session)
    who = {"member_id": member_id, "name": name, "assigned_at": now, "assigned_by": scope.actor.name}
    key = {
        "tenant_id": scope.tenant_id,
        "msp_id": scope.msp_id,
        "subject_id": subject_of(item),
        "about": str(item.about),
    }
    await session.execute(
        insert(ItemAssignment)
        .values(**key, **who)
        .on_conflict_do_update(index_elements=["tenant_id", "subject_id"], set_=who)
    )
    data = {"member_id": str(member_id), "name": name}
    append_audit(session, action=AssignmentAction.ASSIGNMENT_SET, subject=audit_subject(item), data=data, at=now)
    notify(session, _KINDS[item.about], topic="assigned", path=path_of(item), at=now, members=[member_id])
