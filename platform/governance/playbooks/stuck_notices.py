"""Notifications of tasks that became overdue or blocked: each task is announced once, until it is neither."""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from governance.playbooks.facts import Facts
from governance.playbooks.notices import TASK_STUCK
from governance.playbooks.queries import find_project
from governance.playbooks.states import TaskState
from tenants.notifications.notify import notify

_NOTE: Final = text("""
    UPDATE onboarding_task k SET stuck_noted = (k.id = ANY (:stuck))
     WHERE k.tenant_id = :t AND k.stuck_noted <> (k.id = ANY (:stuck))
    RETURNING k.stuck_noted, k.title, k.position
""")


async def notify_stuck(session: AsyncSession, facts: Facts, *, now: datetime) -> None:
    """Announce the tasks of the scope's client that became stuck since the last call."""
    project = await find_project(session, today=now.date(), facts=facts)
    if project is None:
        return
    tasks = [task for phase in project.phases for task in phase.tasks]
    stuck = [task.id for task in tasks if task.is_overdue or task.state is TaskState.BLOCKED]
    noted = (await session.execute(_NOTE, {"t": scope_of(session).tenant_id, "stuck": stuck})).all()
    fresh = sorted((row for row in noted if row.stuck_noted), key=lambda row: row.position)
    if fresh:
        notify(
            session, TASK_STUCK, topic="project", path="/project", at=now, number=len(fresh),
            params={"task": fresh[0].title},
        )  # fmt: skip
