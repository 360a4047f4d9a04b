"""Use cases of a client's onboarding project: its start, its sponsors, its tasks and their evidence."""

from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.i18n.localizer import translate
from foundation.ids import NewId
from foundation.marks import N_
from foundation.names import clean_name
from foundation.reasons import clean_reason
from governance.inputs import check_text
from governance.playbooks.audit_actions import PlaybookAction
from governance.playbooks.content import PlaybookContent, PlaybookTask
from governance.playbooks.errors import EvidenceMissing, FactDecides, GateClosed
from governance.playbooks.facts import NO_FACTS, Facts, ProjectFact
from governance.playbooks.gates import record_gates
from governance.playbooks.queries import state_of
from governance.playbooks.schemas import EvidenceInput, ObjectiveInput, PlaybookView, SponsorsInput, TaskInput
from governance.playbooks.states import TASKS, EvidenceKind, Sponsor, TaskState

_LINKS: Final = ("https://", "http://")
_LONGEST_TARGET: Final = 200
_FIRST_DAY: Final = date(2020, 1, 1)
_END: Final = date(2100, 1, 1)


async def start_project(
    session: AsyncSession, playbook: PlaybookView, *, starts_on: date | None, now: datetime, new_id: NewId
) -> UUID:
    """Start the project of the scope's client with the playbook's tasks. Each is owned by nobody yet.

    Raises:
        Conflict: the client has a project.
        InvalidInput: a day that is too far away.
    """
    scope, project_id, first = scope_of(session), new_id(), check_day(starts_on or now.date(), "starts_on")
    made = await session.scalar(
        text("""
            INSERT INTO onboarding_project
                   (tenant_id, msp_id, id, playbook_name, starts_on, started_at, started_by, sponsors)
            VALUES (:t, :m, :id, :name, :first, :now, :by, '{}') ON CONFLICT (tenant_id) DO NOTHING RETURNING id
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "id": project_id, "name": playbook.name, "first": first,
            "now": now, "by": scope.actor.name,
        },
    )  # fmt: skip
    if made is None:
        raise Conflict(N_("The client has an onboarding project already."))
    phases = playbook.content.phases
    gates = {one.phase: one.gate for one in playbook.content.tasks if one.gate}
    for position, task in enumerate(list_tasks(playbook.content), start=1):
        await session.execute(
            _INSERT_TASK,
            {
                "t": scope.tenant_id, "m": scope.msp_id, "id": new_id(), "project": project_id, "position": position,
                "number": phases.index(task.phase) + 1, "phase": task.phase, "gate": gates.get(task.phase, ""),
                "workstream": task.workstream, "title": task.task, "role": task.role, "wanted": task.evidence,
                "fact": task.fact, "due": first + timedelta(days=task.days), "state": TASKS.start(TaskState.OPEN),
                "now": now, "by": scope.actor.name,
            },
        )  # fmt: skip
    data = {"playbook": playbook.name, "tasks": len(playbook.content.tasks), "starts_on": first.isoformat()}
    append_audit(session, action=PlaybookAction.PROJECT_STARTED, subject=f"client:{scope.tenant_id}", data=data, at=now)
    return project_id


def list_tasks(content: PlaybookContent) -> list[PlaybookTask]:
    """The tasks; a gate that follows a fact is the last task of its phase, once, also if several rows name it."""
    found: list[PlaybookTask] = []
    for phase in content.phases:
        own = [one for one in content.tasks if one.phase == phase]
        days = max(one.days for one in own)
        gates = {
            (one.gate, one.gate_fact): PlaybookTask(
                phase=phase, task=one.gate, workstream=one.workstream, role=one.role, days=days, fact=one.gate_fact
            )
            for one in reversed(own) if one.gate_fact is not None
        }  # fmt: skip
        found += [*own, *reversed(gates.values())]
    return found


_INSERT_TASK: Final = text("""
    INSERT INTO onboarding_task
           (tenant_id, msp_id, id, project_id, position, phase_number, phase, gate, workstream, title, role,
            evidence_wanted, fact, owner, due_on, state, reason, changed_at, changed_by)
    VALUES (:t, :m, :id, :project, :position, :number, :phase, :gate, :workstream, :title, :role, :wanted, :fact, '',
            :due, :state, '', :now, :by)
""")


async def set_sponsors(session: AsyncSession, wanted: SponsorsInput, *, now: datetime) -> None:
    """Raises: NotFound: the client has no project. InvalidInput: a name is malformed."""
    names = {str(one): clean_name(name, field=one.value) for one in Sponsor if (name := wanted.of(one).strip())}
    changed = await session.scalar(
        text("UPDATE onboarding_project SET sponsors = CAST(:names AS jsonb) WHERE tenant_id = :t RETURNING id"),
        {"t": scope_of(session).tenant_id, "names": msgspec.json.encode(names).decode()},
    )
    if changed is None:
        raise NotFound
    append_audit(
        session, action=PlaybookAction.PROJECT_SPONSORS_SET, subject=f"client:{scope_of(session).tenant_id}",
        data={"sponsors": names}, at=now,
    )  # fmt: skip


async def set_objective(session: AsyncSession, wanted: ObjectiveInput, *, now: datetime) -> None:
    """Raises: NotFound: the client has no project. InvalidInput: a target without an objective, or a malformed one."""
    target = check_text(wanted.target, "target")
    if len(target) > _LONGEST_TARGET:
        raise InvalidInput(N_("Enter at most {most} characters."), params={"most": _LONGEST_TARGET}, field="target")
    if target and wanted.objective is None:
        raise InvalidInput(N_("Choose the objective that the target is about."), field="objective")
    codes = {"objective": str(wanted.objective or ""), "target": target, "journey": str(wanted.first_journey or "")}
    changed = await session.scalar(
        text("""
            UPDATE onboarding_project
               SET objective = :objective, objective_target = :target, first_journey = :journey
             WHERE tenant_id = :t RETURNING id
        """),
        {"t": scope_of(session).tenant_id, **codes},
    )
    if changed is None:
        raise NotFound
    append_audit(
        session, action=PlaybookAction.PROJECT_OBJECTIVE_SET, subject=f"client:{scope_of(session).tenant_id}",
        data=codes, at=now,
    )  # fmt: skip


async def change_task(
    session: AsyncSession, task_id: UUID, wanted: TaskInput, *, facts: Facts = NO_FACTS, now: datetime
) -> None:
    """Change a task of the scope's client. `facts`: those of the client, by which earlier tasks may be done.

    Raises:
        NotFound: no such task.
        InvalidInput: blocked without a reason, or a malformed part.
        FactDecides: a new state of a task that follows a fact.
        GateClosed: done, while one of an earlier phase is not.
        EvidenceMissing: done without the evidence that it needs.
    """
    scope = scope_of(session)
    task = await _lock_task(session, task_id)
    if task.fact is not None and wanted.state is not None:
        raise FactDecides(
            N_("It follows “{fact}”, which is not met yet. Meet it, or have an MSP admin waive it with a reason."),
            params={"fact": translate(ProjectFact.of(task.fact).label)},
        )
    before = TaskState.of(task.state)
    state = before if wanted.state is None else wanted.state
    if before is TaskState.DONE and state is TaskState.BLOCKED:
        raise Conflict(N_("The task is done. Open it again first."))
    TASKS.move(before, state)
    if state is TaskState.DONE and before is not TaskState.DONE:
        await _check_done(session, task, facts)
    reason = task.reason
    if wanted.state is not None:
        reason = clean_reason(wanted.reason) if state is TaskState.BLOCKED else ""
    owner = task.owner
    if wanted.owner is not None:
        owner = clean_name(wanted.owner, field="owner") if wanted.owner.strip() else ""
    due_on = task.due_on if wanted.due_on is None else check_day(wanted.due_on, "due_on")
    await session.execute(
        text("""
            UPDATE onboarding_task SET state = :state, reason = :reason, owner = :owner, due_on = :due,
                   changed_at = :now, changed_by = :by
             WHERE tenant_id = :t AND id = :id
        """),
        {
            "t": scope.tenant_id, "id": task_id, "state": state, "reason": reason, "owner": owner, "due": due_on,
            "now": now, "by": scope.actor.name,
        },
    )  # fmt: skip
    data = {"title": task.title, "state": str(state), "owner": owner, "due_on": due_on.isoformat()}
    if reason:
        data["reason"] = reason
    append_audit(session, action=PlaybookAction.TASK_CHANGED, subject=f"task:{task_id}", data=data, at=now)
    if state is TaskState.DONE and before is not TaskState.DONE:
        await record_gates(session, facts, now=now)


async def _lock_task(session: AsyncSession, task_id: UUID) -> Row[Any]:
    """Raises NotFound."""
    rows = await session.execute(
        text("SELECT * FROM onboarding_task WHERE tenant_id = :t AND id = :id FOR UPDATE"),
        {"t": scope_of(session).tenant_id, "id": task_id},
    )
    task = rows.one_or_none()
    if task is None:
        raise NotFound
    return task


async def _check_done(session: AsyncSession, task: Row[Any], facts: Facts) -> None:
    """Raises GateClosed, EvidenceMissing."""
    keys = {"t": scope_of(session).tenant_id, "id": task.id, "number": task.phase_number}
    earlier = await session.execute(
        text("""
            SELECT title, state, fact, waived_at FROM onboarding_task
             WHERE tenant_id = :t AND phase_number < :number AND state <> 'done' ORDER BY position
        """),
        keys,
    )
    for one in earlier:
        if state_of(one, facts) is not TaskState.DONE:
            raise GateClosed(N_("First finish “{task}”."), params={"task": one.title})
    has_evidence = await session.scalar(
        text("SELECT 1 FROM onboarding_evidence WHERE tenant_id = :t AND task_id = :id LIMIT 1"), keys
    )
    if task.evidence_wanted and not has_evidence:
        raise EvidenceMissing(N_("Add this evidence first: {evidence}."), params={"evidence": task.evidence_wanted})


async def add_evidence(
    session: AsyncSession, task_id: UUID, wanted: EvidenceInput, *, now: datetime, new_id: NewId
) -> None:
    """Raises: NotFound: no such task. InvalidInput: the text is empty, too long, or no link where one is meant."""
    scope, evidence = scope_of(session), check_text(wanted.text, "text")
    if not 1 <= len(evidence) <= 500:
        raise InvalidInput(N_("Enter 1 to {most} characters."), params={"most": 500}, field="text")
    if wanted.kind is EvidenceKind.LINK and not evidence.startswith(_LINKS):
        raise InvalidInput(N_("A link begins with https:// or http://."), field="text")
    known = await session.scalar(
        text("SELECT 1 FROM onboarding_task WHERE tenant_id = :t AND id = :id"), {"t": scope.tenant_id, "id": task_id}
    )
    if known is None:
        raise NotFound
    await session.execute(
        text("""
            INSERT INTO onboarding_evidence (tenant_id, msp_id, id, task_id, kind, body, added_at, added_by)
            VALUES (:t, :m, :id, :task, :kind, :text, :now, :by)
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "id": new_id(), "task": task_id, "kind": wanted.kind,
            "text": evidence, "now": now, "by": scope.actor.name,
        },
    )  # fmt: skip
    append_audit(
        session, action=PlaybookAction.EVIDENCE_ADDED, subject=f"task:{task_id}",
        data={"kind": str(wanted.kind), "text": evidence}, at=now,
    )  # fmt: skip


def check_day(day: date, field: str) -> date:
    """Raises InvalidInput."""
    if not _FIRST_DAY <= day < _END:
        raise InvalidInput(N_("Enter a day between 2020 and 2099."), field=field)
    return day
