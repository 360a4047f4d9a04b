"""Use cases in the client's account: waiving the fact that a task follows, with a reason; withdrawing the waiver."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.reasons import clean_reason
from governance.playbooks.audit_actions import PlaybookAction
from governance.playbooks.errors import FactDecides
from governance.playbooks.facts import WAIVABLE, ProjectFact


async def waive_task(session: AsyncSession, task_id: UUID, *, reason: str, now: datetime) -> None:
    """Waive the fact that a task follows. The reason is replaced if it was waived before.

    Raises:
        NotFound: no such task, or it follows no fact.
        FactDecides: this fact cannot be waived.
        InvalidInput: the reason is empty or too long.
    """
    scope, reason = scope_of(session), clean_reason(reason)
    fact = await session.scalar(
        text("SELECT fact FROM onboarding_task WHERE tenant_id = :t AND id = :id"),
        {"t": scope.tenant_id, "id": task_id},
    )
    if fact is None:
        raise NotFound
    if fact not in WAIVABLE:
        raise FactDecides(N_("“{fact}” cannot be waived here."), params={"fact": translate(ProjectFact.of(fact).label)})
    await session.execute(
        text("""
            UPDATE onboarding_task SET waiver = :reason, waived_at = :now, waived_by = :by
             WHERE tenant_id = :t AND id = :id
        """),
        {"t": scope.tenant_id, "id": task_id, "reason": reason, "now": now, "by": scope.actor.name},
    )
    append_audit(
        session, action=PlaybookAction.TASK_WAIVED, subject=f"task:{task_id}", data={"fact": fact, "reason": reason},
        at=now,
    )  # fmt: skip


async def withdraw_task_waiver(session: AsyncSession, task_id: UUID, *, now: datetime) -> None:
    """Raises: NotFound: no such task, or its fact is not waived."""
    fact = await session.scalar(
        text("""
            UPDATE onboarding_task SET waiver = NULL, waived_at = NULL, waived_by = NULL
             WHERE tenant_id = :t AND id = :id AND waived_at IS NOT NULL RETURNING fact
        """),
        {"t": scope_of(session).tenant_id, "id": task_id},
    )
    if fact is None:
        raise NotFound
    append_audit(
        session, action=PlaybookAction.TASK_WAIVER_WITHDRAWN, subject=f"task:{task_id}", data={"fact": fact}, at=now
    )
