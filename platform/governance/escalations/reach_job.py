"""Timer job: records each reached step of an open approval or exception once, and notifies the members of its role."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from governance.escalation_timer import schedule_escalations
from governance.escalations.audit_actions import EscalationAction
from governance.escalations.ladder import load_ladder
from governance.escalations.models import Escalation
from governance.escalations.people import People, find_people
from governance.escalations.queries import find_due, find_next_due
from governance.escalations.schemas import EscalationStep, EscalationSubject
from governance.notices import APPROVAL_ESCALATED, EXCEPTION_ESCALATED
from governance.services import GovernanceServices
from tenants.notifications.notify import notify

_BATCH: Final = 1000
_KINDS: Final = {
    EscalationSubject.APPROVAL: APPROVAL_ESCALATED,
    EscalationSubject.EXCEPTION: EXCEPTION_ESCALATED,
}


def reach_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def reach_steps(batch: Batch[NoPayload]) -> None:
        async with batch.read() as session:
            steps = (await load_ladder(session)).steps
            is_due = await find_due(session, steps, now=services.clock(), limit=1)
        people = await find_people(services, batch.scope, steps) if is_due else {}
        async with batch.commit() as session:
            if people:
                await record_steps(session, services, steps, people)
            await schedule_next(session, steps)

    return reach_steps


async def record_steps(
    session: AsyncSession, services: GovernanceServices, steps: Sequence[EscalationStep], people: People
) -> int:
    """Record the steps that are due, and notify. Items that were answered or closed meanwhile are left out. Returns the
    number of steps.
    """
    now, scope = services.clock(), scope_of(session)
    due = await find_due(session, steps, now=now, limit=_BATCH)
    if not due:
        return 0
    rows = [
        {
            "tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "id": services.new_id(), "about": row.about,
            "subject_id": row.id, "after_minutes": row.after_minutes, "role": row.role,
            "role_name": row.role_name, "least_severity": row.least_severity, "due_at": row.due_at, "reached_at": now,
            "notified": [str(one) for one in people[row.about, row.role]],
        }
        for row in due
    ]  # fmt: skip
    statement = insert(Escalation).values(rows).on_conflict_do_nothing()
    added = await session.execute(statement.returning(Escalation.subject_id, Escalation.after_minutes, Escalation.role))
    written = {tuple(row) for row in added}
    _tell(session, [row for row in due if (row.id, row.after_minutes, row.role) in written], people, now)
    return len(written)


async def schedule_next(session: AsyncSession, steps: Sequence[EscalationStep]) -> None:
    following = await find_next_due(session, steps)
    if following is not None:
        await schedule_escalations(session, following)


def _tell(session: AsyncSession, reached: Sequence[Row[Any]], people: People, now: datetime) -> None:
    """Audit the steps, and send one notification for each subject and role, with the number of items."""
    for row in reached:
        append_audit(
            session, action=EscalationAction.STEP_REACHED, subject=_subject(row),
            data={"after_minutes": row.after_minutes, "role": row.role, "members": len(people[row.about, row.role])},
            at=now,
        )  # fmt: skip
    for (about, role), of_role in groupby(sorted(reached, key=_concerned), key=_concerned):
        rows, members = list(of_role), list(people[about, role])
        if members:
            notify(
                session, _KINDS[EscalationSubject.of(about)], topic=f"escalations:{role}", path=_path(rows[0]), at=now,
                number=len(rows), members=members,
            )  # fmt: skip


def _concerned(row: Row[Any]) -> tuple[str, str]:
    return row.about, row.role


def _subject(row: Row[Any]) -> str:
    return f"change:{row.change_id}" if row.about == EscalationSubject.APPROVAL else f"exception:{row.id}"


def _path(row: Row[Any]) -> str:
    return f"/approvals/{row.change_id}" if row.about == EscalationSubject.APPROVAL else f"/exceptions/{row.id}"
