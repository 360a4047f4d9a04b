"""Queries of playbooks and projects."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.i18n.localizer import translate
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from governance.onboarding.schemas import WaiverView
from governance.playbooks.facts import NO_FACTS, Facts, ProjectFact, fact_of
from governance.playbooks.schemas import (
    EvidenceView,
    ObjectiveView,
    PhaseView,
    PlaybookRow,
    ProjectView,
    StuckTaskRow,
    TaskView,
    WorkstreamView,
)
from governance.playbooks.states import EvidenceKind, FirstJourney, ProjectObjective, Sponsor, TaskState
from tenants.relations import CLIENTS

_PROBLEMS: Final = {
    "overdue": "k.due_on < :today",
    "blocked": "(k.state = 'blocked' OR h.is_blocked)",
    "unowned": "k.owner = ''",
}
"""As SQL, of a task that is not done."""
_STUCK: Final = " OR ".join(f"({one})" for one in _PROBLEMS.values())


async def list_playbooks(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[PlaybookRow]:
    """One page of `playbooks.lists`."""
    source = ListSource(
        columns="""p.id, p.name, p.revision, jsonb_array_length(p.tasks -> 'tasks') AS tasks, p.changed_at,
                   p.changed_by""",
        tables="playbook p",
        where="p.tenant_id = :m",
        binds={"m": scope_of(session).msp_id},
    )
    return (await read_page(session, source, query)).map(
        lambda row: PlaybookRow(**{name: getattr(row, name) for name in PlaybookRow.__struct_fields__})
    )


async def list_stuck_tasks(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[StuckTaskRow]:
    """One page of `playbooks.lists`; in the fleet's scope."""
    problem, workstream, owner = (query.values.get(name, "") for name in ("problem", "workstream", "owner"))
    where = ["k.msp_id = :m", "k.state <> 'done'", "h.holds IS NOT TRUE"]
    where.append({**_PROBLEMS, "any": "true"}.get(problem, f"({_STUCK})"))
    if workstream:
        where.append("k.workstream = :workstream")
    if owner:
        where.append("strpos(lower(k.owner), lower(:owner)) > 0")
    source = ListSource(
        columns="""k.id, c.slug AS client, c.name AS client_name, k.phase, k.workstream, k.title, k.role, k.owner,
                   k.due_on, k.state, k.reason, k.fact, h.is_blocked""",
        tables=f"""onboarding_task k JOIN {CLIENTS} c ON c.tenant_id = k.tenant_id
                   LEFT JOIN LATERAL {fact_of("k")} h ON true""",
        where=" AND ".join(where),
        binds={
            "m": scope_of(session).msp_id,
            "now": now,
            **({"today": now.date()} if problem in {"", "overdue"} else {}),
            **({"workstream": workstream} if workstream else {}),
            **({"owner": owner} if owner else {}),
        },
    )
    return (await read_page(session, source, query)).map(lambda row: _stuck(row, now.date()))


def _stuck(row: Row[Any], today: date) -> StuckTaskRow:
    state = TaskState.BLOCKED if row.is_blocked else TaskState.of(row.state)
    found = {"overdue": row.due_on < today, "blocked": state is TaskState.BLOCKED, "unowned": not row.owner}
    own = {"state", "fact", "problems"}
    fields = {name: getattr(row, name) for name in StuckTaskRow.__struct_fields__ if name not in own}
    return StuckTaskRow(
        **fields, state=state, fact="" if row.fact is None else translate(ProjectFact.of(row.fact).label),
        problems=[name for name, is_so in found.items() if is_so],
    )  # fmt: skip


async def find_project(session: AsyncSession, *, today: date, facts: Facts = NO_FACTS) -> ProjectView | None:
    """The project of the scope's client. `facts`: the client's, which determine the state of some tasks."""
    keys = {"t": scope_of(session).tenant_id}
    project = (
        await session.execute(
            text("""
                SELECT id, playbook_name, starts_on, started_at, started_by, sponsors, gates_passed, objective,
                       objective_target, first_journey
                  FROM onboarding_project
                 WHERE tenant_id = :t
            """),
            keys,
        )
    ).one_or_none()
    if project is None:
        return None
    evidence: defaultdict[UUID, list[EvidenceView]] = defaultdict(list)
    for row in await session.execute(
        text("""
            SELECT task_id, kind, body, added_at, added_by FROM onboarding_evidence WHERE tenant_id = :t
             ORDER BY added_at, id
        """),
        keys,
    ):
        evidence[row.task_id].append(
            EvidenceView(kind=EvidenceKind.of(row.kind), text=row.body, added_at=row.added_at, added_by=row.added_by)
        )
    rows = (
        await session.execute(text("SELECT * FROM onboarding_task WHERE tenant_id = :t ORDER BY position"), keys)
    ).all()
    phases = _phases(rows, evidence, today, facts, project.gates_passed)
    tasks = [task for phase in phases for task in phase.tasks]
    return ProjectView(
        id=project.id, playbook_name=project.playbook_name, starts_on=project.starts_on,
        started_at=project.started_at, started_by=project.started_by,
        sponsors={str(one): project.sponsors.get(str(one), "") for one in Sponsor},
        objective=_objective(project), done=sum(task.state is TaskState.DONE for task in tasks), total=len(tasks),
        phases=phases,
        workstreams=_workstreams(tasks),
    )  # fmt: skip


def _objective(project: Row[Any]) -> ObjectiveView:
    objective = ProjectObjective.of(project.objective) if project.objective else None
    journey = FirstJourney.of(project.first_journey) if project.first_journey else None
    return ObjectiveView(
        objective=objective, objective_label=translate(objective.label) if objective else "",
        target=project.objective_target, first_journey=journey,
        first_journey_label=translate(journey.label) if journey else "",
    )  # fmt: skip


def _phases(
    rows: Sequence[Row[Any]],
    evidence: dict[UUID, list[EvidenceView]],
    today: date,
    facts: Facts,
    times: Mapping[str, str],
) -> list[PhaseView]:
    by_phase: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        by_phase[row.phase_number].append(row)
    phases, passed = [], True
    for number, own in sorted(by_phase.items()):
        tasks = [_task(row, evidence.get(row.id, []), today, facts, is_gated=not passed) for row in own]
        done = sum(task.state is TaskState.DONE for task in tasks)
        passed = passed and done == len(tasks)
        at = times.get(str(number))
        phases.append(
            PhaseView(
                number=number, name=own[0].phase, gate=own[0].gate, is_passed=passed, done=done, tasks=tasks,
                passed_at=None if at is None else datetime.fromisoformat(at),
            )
        )  # fmt: skip
    return phases


def state_of(row: Row[Any], facts: Facts) -> TaskState:
    """State of a task's row: by its fact if it follows one, else as a person set it."""
    if row.fact is None:
        return TaskState.of(row.state)
    fact = facts.get(ProjectFact.of(row.fact))
    if row.waived_at is not None or (fact is not None and fact.holds):
        return TaskState.DONE
    return TaskState.BLOCKED if fact is not None and fact.is_blocked else TaskState.OPEN


def _task(row: Row[Any], evidence: Sequence[EvidenceView], today: date, facts: Facts, *, is_gated: bool) -> TaskView:
    state = state_of(row, facts)
    return TaskView(
        id=row.id, phase=row.phase, workstream=row.workstream, title=row.title, role=row.role, owner=row.owner,
        due_on=row.due_on, state=state, reason=row.reason, evidence_wanted=row.evidence_wanted, evidence=evidence,
        is_overdue=state is not TaskState.DONE and row.due_on < today, is_gated=is_gated, changed_at=row.changed_at,
        changed_by=row.changed_by, fact=None if row.fact is None else facts.get(ProjectFact.of(row.fact)),
        waiver=None if row.waived_at is None else WaiverView(row.waiver, row.waived_by, row.waived_at),
    )  # fmt: skip


def _workstreams(tasks: Sequence[TaskView]) -> list[WorkstreamView]:
    names = list(dict.fromkeys(task.workstream for task in tasks))
    return [
        WorkstreamView(
            name=name,
            done=sum(one.state is TaskState.DONE for one in own),
            total=len(own),
            blocked=sum(one.state is TaskState.BLOCKED for one in own),
            overdue=sum(one.is_overdue for one in own),
            stuck=sum(one.is_overdue or one.state is TaskState.BLOCKED for one in own),
        )
        for name in names
        for own in [[task for task in tasks if task.workstream == name]]
    ]
