"""Persistence of a plan: values, changes, propagations with their jobs, approvals, exceptions, audit, clocks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import PRODUCT, ElementKey
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.jobs.enqueue import set_timer
from governance import job_types
from governance.audit_actions import GovernanceAction
from governance.changes import repository
from governance.changes.planner import DecisionSnapshot, Plan, ReferenceUpdate, content_of
from governance.changes.rows import ChangeRow
from governance.changes.states import ChangeState
from governance.elements.held_observations import hold_observations, replace_held
from governance.elements.rows import Contract
from governance.escalation_timer import watch_escalations
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import auto_resolve, auto_resolve_keys, open_exceptions
from governance.exceptions.rows import Exposure
from governance.exceptions.severity import price_impact, score
from governance.notices import APPROVAL_WAITING
from governance.propagation.distribute import distribute
from governance.records.repository import save_values
from governance.webhook_events import CHANGE_EVENTS, ChangePayload
from policy.approvals import ApprovalRequest, request_approvals, withdraw_approvals
from tenants.members.confirmation import find_vouchers
from tenants.notifications.notify import notify
from webhooks.emit import emit

CHANGE = "change"
OF_THE_SOURCE: Final = (
    ExceptionType.CHANGE_REFUSED,
    ExceptionType.APPROVAL_STALE,
    ExceptionType.APPROVAL_LATE,
    ExceptionType.APPROVAL_EXPIRED,
    ExceptionType.SOURCE_STALE,
)
"""Exceptions that a newer decision about the same value resolves."""


async def write_plan(session: AsyncSession, plan: Plan, snapshot: DecisionSnapshot) -> None:
    overtaken = [pending.change for key in sorted(plan.superseded) for pending in snapshot.awaiting.get(key, ())]
    if overtaken:
        ids = [change.id for change in overtaken]
        await repository.supersede_changes(session, ids)
        await withdraw_approvals(
            session, scope_of(session), subject_kind=CHANGE, subject_ids=ids, cause=plan.superseded_reason,
            now=snapshot.now,
        )  # fmt: skip
        await auto_resolve(
            session, ExceptionType.APPROVAL_LATE, [late_approval(id_) for id_ in sorted(ids)], now=snapshot.now
        )
    await request_change_approvals(
        session, [c for c in plan.changes if c.state == ChangeState.AWAITING_APPROVAL], snapshot
    )
    await save_values(session, list(plan.values.values()), now=snapshot.now, zone=snapshot.contracts.zone)
    await repository.insert_changes(session, plan.changes)
    await distribute(session, plan.propagations)
    await hold_observations(session, plan.held, now=snapshot.now)
    await replace_held(session, plan.foreign, now=snapshot.now)
    await auto_resolve(session, ExceptionType.CHANNEL_DRIFT, plan.healed, now=snapshot.now)
    await open_exceptions(session, plan.exceptions, now=snapshot.now, new_id=snapshot.new_id)
    await auto_resolve_keys(session, OF_THE_SOURCE, plan.resolved_keys, now=snapshot.now)
    for taken in plan.reference_updates:
        _audit_reference_update(session, taken, snapshot.now)
    for change in overtaken:
        change.move_to(ChangeState.SUPERSEDED)
    for change in [*overtaken, *plan.changes]:
        audit_decision(session, change, snapshot.now)


async def request_change_approvals(
    session: AsyncSession, changes: Sequence[ChangeRow], snapshot: DecisionSnapshot
) -> None:
    """Request approvals bound to the content of the changes; sets their `approval_id`."""
    if not changes:
        return
    # The inviter counts as proposer for a member without independent confirmation.
    vouchers = await find_vouchers(session, {change.author for change in changes if not change.on_behalf_of})
    requests = [
        ApprovalRequest(
            subject_kind=CHANGE,
            subject_id=change.id,
            content_hash=content_of(change, snapshot),
            policy_version=change.policy_version,
            requested_by=change.author,
            author=change.on_behalf_of or vouchers.get(change.author, ""),
            expires_at=snapshot.now + timedelta(seconds=snapshot.contracts.get(change.key).approval_ttl_s),
            due_at=snapshot.now + decision_target(snapshot.contracts.get(change.key)),
            approvers=snapshot.approvers.get(change.id, ()),
            severity=score(ExceptionType.APPROVAL_LATE, exposure=_exposure(change), channels=0)[0],
            impact=price_impact(_exposure(change)),
        )
        for change in changes
    ]
    ids = await request_approvals(
        session, scope_of(session), requests=requests, now=snapshot.now, new_id=snapshot.new_id
    )
    _notify_approvers(session, [change for change in changes if change.approval_id is None], snapshot)
    for change, approval_id in zip(changes, ids, strict=True):
        change.approval_id = approval_id
    soonest = min(request.due_at or request.expires_at for request in requests)
    await set_timer(
        session,
        name=job_types.EXPIRE_APPROVALS.name,
        lane=job_types.TIMER_LANE,
        job_type=job_types.EXPIRE_APPROVALS,
        due_at=soonest,
    )
    await watch_escalations(session, snapshot.now)


def _notify_approvers(session: AsyncSession, first: Sequence[ChangeRow], snapshot: DecisionSnapshot) -> None:
    """`first` are changes that need approval for the first time."""
    if first:
        notify(
            session, APPROVAL_WAITING, topic="approvals", path=f"/approvals/{first[0].id}", at=snapshot.now,
            number=len(first), params={"record": first[0].record_key},
        )  # fmt: skip


def _exposure(change: ChangeRow) -> Exposure:
    """Difference from which an approval's impact and severity are computed. The severity is that of the exception that
    is opened when the approval is overdue.
    """
    return Exposure(change.old_value, change.new_value)


def late_approval(change_id: UUID) -> str:
    """Subject of an `approval.late` exception."""
    return f"{CHANGE}:{change_id}"


def decision_target(contract: Contract) -> timedelta:
    return min(timedelta(milliseconds=contract.decision_slo_ms), timedelta(seconds=contract.approval_ttl_s))


def _audit_reference_update(session: AsyncSession, taken: ReferenceUpdate, now: datetime) -> None:
    seen = taken.item.observation
    append_audit(
        session,
        correlation=taken.item.correlation,
        action=GovernanceAction.REFERENCE_UPDATED,
        subject=f"record:{seen.record_key}",
        data={
            **audit_key(seen.key),
            "old": msgspec.to_builtins(taken.old),
            "new": msgspec.to_builtins(seen.value),
            "event": str(taken.item.source_event_id),
        },
        at=now,
    )


def audit_key(key: ElementKey) -> dict[str, str]:
    """The key's parts in an audit entry; default parts are omitted."""
    divided = {"dimension": key.dimension} if key.dimension else {}
    other = {"record_type": key.record_type} if key.record_type != PRODUCT else {}
    return {"record_key": key.record_key, "element": key.element, **divided, **other}


def audit_decision(session: AsyncSession, change: ChangeRow, now: datetime) -> None:
    """Write a decision to the audit trail, and emit it to webhooks."""
    payload = ChangePayload(change.id, *change.key, change.old_value, change.new_value)
    emit(session, CHANGE_EVENTS[change.state], subject=f"changes/{change.id}", payload=payload, at=now)
    append_audit(
        session,
        correlation=change.correlation,
        action=GovernanceAction.of(f"change.{change.state}"),
        subject=f"change:{change.id}",
        data={
            **audit_key(change.key),
            "old": msgspec.to_builtins(change.old_value),
            "new": msgspec.to_builtins(change.new_value),
            "rule": change.rule_id,
            "policy": change.policy_version,
            "event": None if change.source_event_id is None else str(change.source_event_id),
        },
        at=now,
    )
