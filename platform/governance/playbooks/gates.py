"""Gates that a project has passed: recorded once with their time, audited and notified, by the change of a task or the
run of the job that first finds them passed.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from governance.playbooks.audit_actions import PlaybookAction
from governance.playbooks.facts import Facts
from governance.playbooks.notices import GATE_PASSED
from governance.playbooks.queries import find_project
from governance.playbooks.schemas import PhaseView
from tenants.notifications.notify import notify


async def record_gates(session: AsyncSession, facts: Facts, *, now: datetime) -> Sequence[PhaseView]:
    """Record the phases of the scope's client's project that are passed now and were not before, and return them."""
    t = scope_of(session).tenant_id
    locked = await session.scalar(text("SELECT id FROM onboarding_project WHERE tenant_id = :t FOR UPDATE"), {"t": t})
    project = await find_project(session, today=now.date(), facts=facts) if locked is not None else None
    if project is None:
        return []
    fresh = [one for one in project.phases if one.is_passed and one.passed_at is None]
    if not fresh:
        return []
    times = {str(one.number): now.isoformat() for one in fresh}
    await session.execute(
        text("""
            UPDATE onboarding_project SET gates_passed = gates_passed || CAST(:times AS jsonb) WHERE tenant_id = :t
        """),
        {"t": t, "times": msgspec.json.encode(times).decode()},
    )
    for one in fresh:
        append_audit(
            session, action=PlaybookAction.GATE_PASSED, subject=f"client:{t}",
            data={"phase": one.name, "gate": one.gate}, at=now,
        )  # fmt: skip
    last = fresh[-1]
    notify(
        session, GATE_PASSED, topic="project", path="/project", at=now, number=len(fresh),
        params={"phase": last.name},
    )  # fmt: skip
    return fresh


async def has_open_gates(session: AsyncSession) -> bool:
    """Whether the scope's client has a project with a phase that was not passed yet."""
    found = await session.scalar(
        text("""
            SELECT EXISTS (
                SELECT 1 FROM onboarding_project p JOIN onboarding_task k
                    ON k.tenant_id = p.tenant_id AND k.project_id = p.id
                 WHERE p.tenant_id = :t AND NOT jsonb_exists(p.gates_passed, CAST(k.phase_number AS text)))
        """),
        {"t": scope_of(session).tenant_id},
    )
    return bool(found)
