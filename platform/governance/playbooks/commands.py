"""`fairlead playbook` and `fairlead project`: playbooks of an MSP, and the onboarding projects of its clients."""

from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.errors import NotFound
from foundation.ids import new_id
from foundation.rooms import AppServices, CliCommand
from governance.onboarding.queries import load_onboarding
from governance.playbooks import work
from governance.playbooks.assessment import assess_client
from governance.playbooks.content import parse_playbook
from governance.playbooks.facts import Facts, load_project_facts
from governance.playbooks.lists import PLAYBOOKS, STUCK_TASKS
from governance.playbooks.queries import find_project
from governance.playbooks.save_playbook import list_playbook_options, load_playbook, save_playbook
from governance.playbooks.schemas import EvidenceInput, ObjectiveInput, ProjectView, SponsorsInput, TaskInput
from governance.playbooks.states import EvidenceKind, FirstJourney, ProjectObjective, TaskState
from governance.playbooks.waive_task import waive_task, withdraw_task_waiver
from tenants.command_options import CLIENT, MSP, REASON

_DATE: Final = click.DateTime(formats=["%Y-%m-%d"])
_TASK: Final = click.option("--task", "task_id", type=click.UUID, required=True, help="The task's ID (`show`).")


@click.group(cls=NounGroup)
def playbook() -> None:
    """Playbooks: phases with gates, tasks, roles, due days and evidence."""


@playbook.command("list")
@MSP
def list_(*, msp_id: UUID) -> None:
    """List the playbooks of an MSP."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await PLAYBOOKS.load_most(session, utc_now())
        lines = [f"{one.name}  {one.tasks} tasks" for one in found]
        return CommandResult("\n".join(lines) or "no playbooks", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


@playbook.command("save")
@MSP
@click.option("--name", required=True, help="The playbook's name. One of this name is replaced.")
@click.option(
    "--file",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with the columns phase, gate, workstream, task, role, days, evidence, and if wanted fact, gate_fact.",
)
def save(*, msp_id: UUID, name: str, path: Path) -> None:
    """Save a playbook from a CSV file."""
    text = path.read_bytes().decode("utf-8", errors="replace")

    async def act(session: AsyncSession) -> CommandResult:
        content = parse_playbook(text)
        saved = await save_playbook(session, name=name, content=content, now=utc_now(), new_id=new_id)
        return CommandResult(f"{name}: {len(content.tasks)} tasks saved", msgspec.to_builtins(saved))

    run_in_account(operator_scope(msp_id, msp_id), act)


@click.group(cls=NounGroup)
def project() -> None:
    """Onboarding projects of clients, their stuck tasks, and assessments."""


@project.command("start")
@MSP
@CLIENT
@click.option("--playbook", "name", required=True, help="The playbook's name.")
@click.option("--from", "begins", type=_DATE, help="First day; default: today.")
def start(*, msp_id: UUID, tenant_id: UUID, name: str, begins: datetime | None) -> None:
    """Start a client's onboarding project by a playbook."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            known = {label: UUID(one) for one, label in await list_playbook_options(session)}
            if name not in known:
                raise NotFound(f"The MSP has no playbook “{name}”. `fairlead playbook list` shows all.")
            found = await load_playbook(session, known[name])
        facts = await _facts(services, msp_id, tenant_id)
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            first = None if begins is None else begins.date()
            await work.start_project(session, found, starts_on=first, now=utc_now(), new_id=new_id)
            view = await _project(session, facts)
        return _written(view)

    run_with_services(act)


@project.command("show")
@MSP
@CLIENT
def show(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Show the phases and tasks of a client's onboarding project."""

    async def act(services: AppServices) -> CommandResult:
        facts = await _facts(services, msp_id, tenant_id)
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            return _written(await _project(session, facts))

    run_with_services(act)


@project.command("task")
@MSP
@CLIENT
@_TASK
@click.option("--state", type=click.Choice([str(one) for one in TaskState]), help="The new state.")
@click.option("--reason", default="", help="Why it is blocked.")
@click.option("--owner", help="Who is responsible; empty for nobody.")
@click.option("--due", type=_DATE, help="The day on which it is due.")
def task(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    tenant_id: UUID,
    task_id: UUID,
    state: str | None,
    reason: str,
    owner: str | None,
    due: datetime | None,
) -> None:
    """Change a task's state, owner or due day."""
    wanted = TaskInput(
        state=None if state is None else TaskState.of(state), reason=reason, owner=owner,
        due_on=None if due is None else due.date(),
    )  # fmt: skip

    async def act(services: AppServices) -> CommandResult:
        facts = await _facts(services, msp_id, tenant_id)
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            await work.change_task(session, task_id, wanted, facts=facts, now=utc_now())
        return CommandResult(f"task {task_id} saved", {"task": task_id})

    run_with_services(act)


@project.command("waive")
@MSP
@CLIENT
@_TASK
@click.option("--reason", required=True, type=REASON, help="Recorded in the client's audit trail.")
def waive(*, msp_id: UUID, tenant_id: UUID, task_id: UUID, reason: str) -> None:
    """Waive the fact that a task follows: the task is done without it."""

    async def act(session: AsyncSession) -> CommandResult:
        await waive_task(session, task_id, reason=reason, now=utc_now())
        return CommandResult(f"task {task_id}: fact waived", {"task": task_id})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@project.command("withdraw-waiver")
@MSP
@CLIENT
@_TASK
def withdraw_waiver(*, msp_id: UUID, tenant_id: UUID, task_id: UUID) -> None:
    """Withdraw the waiver of a task's fact."""

    async def act(session: AsyncSession) -> CommandResult:
        await withdraw_task_waiver(session, task_id, now=utc_now())
        return CommandResult(f"task {task_id}: waiver withdrawn", {"task": task_id})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@project.command("evidence")
@MSP
@CLIENT
@_TASK
@click.option("--kind", type=click.Choice([str(one) for one in EvidenceKind]), default="note", show_default=True,
              help="What the text is.")  # fmt: skip
@click.option("--text", required=True, help="The note, the link, or the name and place of a file.")
def evidence(*, msp_id: UUID, tenant_id: UUID, task_id: UUID, kind: str, text: str) -> None:
    """Add evidence to a task."""

    async def act(session: AsyncSession) -> CommandResult:
        wanted = EvidenceInput(kind=EvidenceKind.of(kind), text=text)
        await work.add_evidence(session, task_id, wanted, now=utc_now(), new_id=new_id)
        return CommandResult(f"evidence added to task {task_id}", {"task": task_id})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@project.command("sponsors")
@MSP
@CLIENT
@click.option("--commerce", default="", help="Executive sponsor in commerce.")
@click.option("--operations", default="", help="Executive sponsor in operations.")
@click.option("--it", default="", help="Executive sponsor in IT.")
@click.option("--channels", default="", help="Executive sponsor of the channels.")
def sponsors(  # noqa: PLR0913 - click passes options by name
    *, msp_id: UUID, tenant_id: UUID, commerce: str, operations: str, it: str, channels: str
) -> None:
    """Name the four executive sponsors of a client's project."""

    async def act(session: AsyncSession) -> CommandResult:
        wanted = SponsorsInput(commerce=commerce, operations=operations, it=it, channels=channels)
        await work.set_sponsors(session, wanted, now=utc_now())
        return CommandResult("sponsors saved", msgspec.to_builtins(wanted))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@project.command("objective")
@MSP
@CLIENT
@click.option("--objective", type=click.Choice([str(one) for one in ProjectObjective]), help="What the project is for.")
@click.option("--target", default="", help="When the objective is reached, in words.")
@click.option("--journey", type=click.Choice([str(one) for one in FirstJourney]),
              help="The journey with which the rollout starts.")  # fmt: skip
def objective(*, msp_id: UUID, tenant_id: UUID, objective: str | None, target: str, journey: str | None) -> None:
    """Choose the objective and the first journey of a client's project."""
    wanted = ObjectiveInput(
        objective=None if objective is None else ProjectObjective.of(objective), target=target,
        first_journey=None if journey is None else FirstJourney.of(journey),
    )  # fmt: skip

    async def act(session: AsyncSession) -> CommandResult:
        await work.set_objective(session, wanted, now=utc_now())
        return CommandResult("objective saved", msgspec.to_builtins(wanted))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@project.command("stuck")
@MSP
def stuck(*, msp_id: UUID) -> None:
    """List tasks of all clients that are overdue, blocked or without an owner."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await STUCK_TASKS.load_most(session, utc_now())
        lines = [f"{one.client}  {one.due_on}  {one.title}  {', '.join(one.problems)}  {one.reason}" for one in found]
        return CommandResult("\n".join(lines) or "nothing is stuck", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


@project.command("assess")
@MSP
@CLIENT
def assess(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Show a client's data ownership model, processes, integration inventory and risk register."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, msp_id).for_fleet()) as session:
            onboarding = await load_onboarding(session, tenant_id, now=utc_now())
            facts = await load_project_facts(session, tenant_id, now=utc_now())
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            found = await assess_client(session, onboarding, facts=facts, now=utc_now())
        lines = [
            *(f"{one.objective or '-'}  {one.first_journey or '-'}  {one.target}".rstrip() for one in found.objectives),
            *(f"{one.element}  {one.owner}  {one.source}  {one.problem}".rstrip() for one in found.ownership),
            *(f"{one.source} > {one.element} > {', '.join(one.channels) or '-'}" for one in found.processes),
            *(f"{one.name}  {one.kind}  {one.state}" for one in found.integrations),
            *(f"{one.risk}  {one.finding}".rstrip() for one in found.risks),
        ]
        return CommandResult("\n".join(lines), msgspec.to_builtins(found))

    run_with_services(act)


async def _facts(services: AppServices, msp_id: UUID, tenant_id: UUID) -> Facts:
    async with services.db.transaction(operator_scope(msp_id, msp_id).for_fleet()) as session:
        return await load_project_facts(session, tenant_id, now=utc_now())


async def _project(session: AsyncSession, facts: Facts) -> ProjectView:
    """Raises NotFound."""
    found = await find_project(session, today=utc_now().date(), facts=facts)
    if found is None:
        raise NotFound("The client has no onboarding project.")
    return found


def _written(view: ProjectView) -> CommandResult:
    lines = [f"{view.playbook_name}: {view.done} of {view.total} done"]
    for phase in view.phases:
        lines.append(f"{phase.name}  {phase.done} of {len(phase.tasks)}  {phase.gate}".rstrip())
        lines += [f"  {one.id}  {one.state:7}  {one.due_on}  {one.title}  {one.owner}".rstrip() for one in phase.tasks]
    return CommandResult("\n".join(lines), msgspec.to_builtins(view))


COMMANDS: Final = (CliCommand(command=playbook), CliCommand(command=project))
