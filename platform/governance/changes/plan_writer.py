"""Writing a plan: values, changes, propagations with their work, approvals, exceptions, audit, clocks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import note
from foundation.database.engine import scope_of
from foundation.jobs.enqueue import set_timer
from governance import job_types
from governance.changes import repository
from governance.changes.planner import Plan, Taken, World, content_of
from governance.changes.rows import ChangeRow
from governance.elements.held_observations import hold_observations, replace_held
from governance.elements.rows import Contract
from governance.exception_codes import SECOND_WRITER
from governance.exceptions.lifecycle import open_exceptions, resolve_about, resolve_corrected
from governance.propagation.distribute import distribute
from governance.records.repository import save_values
from policy.approvals import ApprovalRequest, request_approvals, withdraw_approvals
from tenants.members.confirmation import find_vouchers

CHANGE = "change"
APPROVAL_LATE: Final = "approval.late"
OF_THE_SOURCE: Final = ("change.refused", "approval.stale", "approval.late", "approval.expired", "source.stale")
"""What a newer decision about the same value corrects."""


async def write_plan(session: AsyncSession, plan: Plan, world: World) -> None:
    overtaken = [asked.change for key in sorted(plan.superseded) for asked in world.awaiting.get(key, ())]
    if overtaken:
        ids = [change.id for change in overtaken]
        await repository.supersede_changes(session, ids)
        await withdraw_approvals(
            session, scope_of(session), subject_kind=CHANGE, subject_ids=ids, reason=plan.overtaken_by, now=world.now,
        )  # fmt: skip
        await resolve_corrected(session, APPROVAL_LATE, [late_approval(id_) for id_ in sorted(ids)], now=world.now)
    await ask_for_approvals(session, [c for c in plan.changes if c.state == "awaiting"], world)
    await save_values(session, list(plan.values.values()))
    await repository.insert_changes(session, plan.changes)
    await distribute(session, plan.propagations)
    await hold_observations(session, plan.held, now=world.now)
    await replace_held(session, plan.foreign, now=world.now)
    await resolve_corrected(session, SECOND_WRITER, plan.healed, now=world.now)
    await open_exceptions(session, plan.exceptions, now=world.now, new_id=world.new_id)
    await resolve_about(session, OF_THE_SOURCE, plan.settled, now=world.now)
    for taken in plan.taken:
        _note_taken(session, taken, world.now)
    for change in overtaken:
        change.state = "superseded"
    for change in [*overtaken, *plan.changes]:
        note_decision(session, change, world.now)


async def ask_for_approvals(session: AsyncSession, changes: Sequence[ChangeRow], world: World) -> None:
    """Put changes up for approval, bound to their content; their `approval_id` is set."""
    if not changes:
        return
    # A member whom nobody independent has confirmed proposes for whoever invited them.
    vouchers = await find_vouchers(session, {change.author for change in changes if not change.maker})
    requests = [
        ApprovalRequest(
            subject_kind=CHANGE,
            subject_id=change.id,
            content_hash=content_of(change, world),
            policy_version=change.policy_version,
            requested_by=change.author,
            author=change.maker or vouchers.get(change.author, ""),
            expires_at=world.now + timedelta(seconds=world.contracts[change.element].approval_ttl_s),
            due_at=world.now + decision_target(world.contracts[change.element]),
        )
        for change in changes
    ]
    ids = await request_approvals(session, scope_of(session), requests=requests, now=world.now, new_id=world.new_id)
    for change, approval_id in zip(changes, ids, strict=True):
        change.approval_id = approval_id
    soonest = min(request.due_at or request.expires_at for request in requests)
    await set_timer(
        session, name=job_types.APPROVALS, lane=job_types.CLOCK_LANE, kind=job_types.APPROVALS, due_at=soonest
    )


def late_approval(change_id: UUID) -> str:
    """The subject of an `approval.late` exception."""
    return f"{CHANGE}:{change_id}"


def decision_target(contract: Contract) -> timedelta:
    return min(timedelta(milliseconds=contract.decision_slo_ms), timedelta(seconds=contract.approval_ttl_s))


def _note_taken(session: AsyncSession, taken: Taken, now: datetime) -> None:
    seen = taken.item.observation
    note(
        session,
        correlation=taken.item.correlation,
        action="reference.taken",
        subject=f"record:{seen.record_key}",
        data={
            "element": seen.element,
            "old": None if taken.old is None else taken.old.amount,
            "new": seen.value.amount,
            "currency": seen.value.currency,
            "event": str(taken.item.source_event_id),
        },
        at=now,
    )


def note_decision(session: AsyncSession, change: ChangeRow, now: datetime) -> None:
    note(
        session,
        correlation=change.correlation,
        action=f"change.{change.state}",
        subject=f"change:{change.id}",
        data={
            "record_key": change.record_key,
            "element": change.element,
            "old": change.old_amount,
            "new": change.new_amount,
            "currency": change.new_currency,
            "rule": change.rule_id,
            "policy": change.policy_version,
            "event": None if change.source_event_id is None else str(change.source_event_id),
        },
        at=now,
    )
