"""Job of time: approvals that were not answered, or not carried out, in time expire with their changes."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.lanes.jobs import Handler
from foundation.lanes.run import LaneRun
from foundation.lanes.work import set_timer
from governance import kinds
from governance.context import Context
from governance.exceptions import open_exceptions
from governance.planning import DEFAULT_CORRECTION_MS
from governance.repository import load_changes
from governance.rows import ChangeRow, NewException
from governance.wording import name_subject
from governance.writing import CHANGE, note_decision
from policy.approvals import expire_approvals

_BATCH = 1000


def approvals_handler(context: Context) -> Handler:
    async def expire(run: LaneRun) -> None:
        async with run.finishing() as session:
            await expire_waiting(session, context)

    return expire


async def expire_waiting(session: AsyncSession, context: Context) -> None:
    """Changes are locked before their approvals, as everywhere (see `governance.repository`)."""
    now, scope = context.clock(), scope_of(session)
    tenant = {"t": scope.tenant_id}
    due = (
        await session.scalars(
            text("""
            SELECT subject_id FROM approval
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
        and (change.state, change.approval_id) == ("awaiting", approval.id)
    ]
    await session.execute(
        text("UPDATE change SET state = 'expired' WHERE tenant_id = :t AND id = ANY (:ids)"),
        {**tenant, "ids": [change.id for change in late]},
    )
    for change in late:
        change.state = "expired"
        note_decision(session, change, now)
    found = [_expired(change, granted=change.id in granted) for change in late]
    await open_exceptions(session, found, now=now, new_id=context.new_id)
    following = await session.scalar(
        text("SELECT min(expires_at) FROM approval WHERE tenant_id = :t AND state IN ('pending', 'granted')"), tenant
    )
    if following is not None:
        await set_timer(session, name=kinds.APPROVALS, lane=kinds.CLOCK_LANE, kind=kinds.APPROVALS, due_at=following)


def _expired(change: ChangeRow, *, granted: bool) -> NewException:
    subject = name_subject(change.element, change.record_key)
    return NewException(
        code="approval.expired",
        subject=f"{CHANGE}:{change.id}",
        title="An approval was not carried out in time" if granted else "Nobody answered a request for approval",
        detail=f"{subject} was approved, but the approval ran out before it was carried out, so nothing was sent. "
        "Send it again from its source."
        if granted
        else f"{subject} still waits in the source. Send it again from there.",
        correction_slo_ms=DEFAULT_CORRECTION_MS,
        exposure_minor=change.new_amount - (change.old_amount or 0),
        record_key=change.record_key,
        element=change.element,
        change_id=change.id,
        correlation=change.correlation,
    )
