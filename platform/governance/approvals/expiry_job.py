"""Timer job: opens an exception for each approval past its due time, and expires approvals with their changes."""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import set_timer
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.state_machine import in_sql
from governance import job_types
from governance.changes.plan_writer import CHANGE, audit_decision, late_approval
from governance.changes.repository import load_changes
from governance.changes.rows import ChangeRow
from governance.changes.states import CHANGES, ChangeState
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import auto_resolve, open_exceptions
from governance.exceptions.rows import Exposure, NewException
from governance.messages import exceptions as messages
from governance.messages.parameters import about
from governance.services import GovernanceServices
from policy.approval_repository import Approval
from policy.approvals import expire_approvals, mark_overdue
from policy.relations import APPROVALS

_BATCH = 1000
NEXT_APPROVAL: Final = text(f"""
    SELECT least((SELECT min(expires_at) FROM {APPROVALS} a WHERE tenant_id = :t AND state IN ('pending', 'granted')),
                 (SELECT min(due_at) FROM {APPROVALS} a WHERE tenant_id = :t AND state = 'pending' AND NOT overdue))
""")


def expiry_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def expire(batch: Batch[NoPayload]) -> None:
        async with batch.commit() as session:
            await expire_waiting(session, services)

    return expire


async def expire_waiting(session: AsyncSession, services: GovernanceServices) -> None:
    """Expire pending approvals. Locks changes before approvals (lock order of `governance.changes.repository`)."""
    now, scope = services.clock(), scope_of(session)
    tenant = {"t": scope.tenant_id}
    due = (
        await session.scalars(
            text(f"""
            SELECT subject_id FROM {APPROVALS} a
             WHERE tenant_id = :t AND subject_kind = :kind AND state IN ('pending', 'granted') AND expires_at <= :now
             ORDER BY expires_at LIMIT :batch
        """),
            {**tenant, "kind": CHANGE, "now": now, "batch": _BATCH},
        )
    ).all()
    changes = {change.id: change for change in await load_changes(session, due)}
    expired = await expire_approvals(session, scope, subject_ids=due, now=now)
    granted = {approval.subject_id for approval in expired if approval.decided_by is not None}
    late = [
        change
        for approval in expired
        if (change := changes.get(approval.subject_id)) is not None
        and (change.state, change.approval_id) == (ChangeState.AWAITING_APPROVAL, approval.id)
    ]
    await session.execute(
        text(
            f"UPDATE change SET state = '{ChangeState.EXPIRED}' WHERE tenant_id = :t AND id = ANY (:ids)"
            f" AND state IN ({in_sql(CHANGES.before(ChangeState.EXPIRED))})"
        ),
        {**tenant, "ids": [change.id for change in late]},
    )
    for change in late:
        change.move_to(ChangeState.EXPIRED)
        audit_decision(session, change, now)
    found = [_expired(change, granted=change.id in granted) for change in late]
    await auto_resolve(session, ExceptionType.APPROVAL_LATE, [late_approval(change.id) for change in late], now=now)
    overdue = await _overdue(session, now)
    services.metrics.overdue(scope.tenant_id, len(overdue))
    await open_exceptions(session, [*found, *overdue], now=now, new_id=services.new_id)
    following = await session.scalar(NEXT_APPROVAL, tenant)
    if following is not None:
        await set_timer(
            session,
            name=job_types.EXPIRE_APPROVALS.name,
            lane=job_types.TIMER_LANE,
            job_type=job_types.EXPIRE_APPROVALS,
            due_at=following,
        )


async def _overdue(session: AsyncSession, now: datetime) -> list[NewException]:
    marked = await mark_overdue(session, scope_of(session), now=now, limit=_BATCH)
    changes = await load_changes(session, [approval.subject_id for approval in marked], lock=False)
    waiting = {approval.id: approval for approval in marked}
    return [
        _late(change, waiting[change.approval_id])
        for change in changes
        if change.approval_id in waiting and change.state == ChangeState.AWAITING_APPROVAL
    ]


def _late(change: ChangeRow, approval: Approval) -> NewException:
    return NewException(
        code=ExceptionType.APPROVAL_LATE,
        subject=late_approval(change.id),
        message=messages.APPROVAL_LATE.fill(
            **about(change.key), since=approval.created_at, expires_at=approval.expires_at
        ),
        exposure=Exposure(change.old_value, change.new_value),
        key=change.key,
        change_id=change.id,
        correlation=change.correlation,
    )


def _expired(change: ChangeRow, *, granted: bool) -> NewException:
    expired = messages.GRANT_EXPIRED if granted else messages.APPROVAL_EXPIRED
    return NewException(
        code=ExceptionType.APPROVAL_EXPIRED,
        subject=f"{CHANGE}:{change.id}",
        message=expired.fill(**about(change.key)),
        exposure=Exposure(change.old_value, change.new_value),
        key=change.key,
        change_id=change.id,
        correlation=change.correlation,
    )
