"""Pages of playbooks, of a client's onboarding project, of stuck tasks, and of a client's assessment."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.errors import DomainError, InvalidInput, NotFound
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.csv_export import CSV_TYPE, write_lines
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters, is_day
from foundation.web.render import redirect_to
from governance.onboarding.pages import load_view
from governance.playbooks import work
from governance.playbooks.assessment import IntegrationRow, ObjectiveRow, OwnershipRow, RiskRow, assess_client
from governance.playbooks.content import FACT_COLUMNS, parse_playbook, write_playbook
from governance.playbooks.example import example_playbook
from governance.playbooks.facts import WAIVABLE, Facts, ProjectFact, read_facts
from governance.playbooks.lists import PLAYBOOKS, STUCK_TASKS
from governance.playbooks.permissions import PlaybookPermission
from governance.playbooks.process_map import ProcessRow, draw_processes
from governance.playbooks.queries import find_project
from governance.playbooks.routes import read_playbook
from governance.playbooks.save_playbook import list_playbook_options, load_playbook, save_playbook
from governance.playbooks.schemas import EvidenceInput, ObjectiveInput, SponsorsInput, TaskInput
from governance.playbooks.states import EvidenceKind, FirstJourney, ProjectObjective, Sponsor, TaskState
from governance.playbooks.waive_task import waive_task, withdraw_task_waiver
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
Typed = Mapping[str, str]
_READ: Final = {"permission": PlaybookPermission.READ_PROJECTS}
_FLEET: Final = {**_READ, "fleet": True}
_WORK: Final = {"permission": PlaybookPermission.WRITE_PROJECTS}
_WAIVE: Final = {"permission": PlaybookPermission.WAIVE_FACTS}
_SAVE: Final = {"permission": PlaybookPermission.WRITE_PLAYBOOKS}
_PLAYBOOKS: Final = "/playbooks"
_STUCK: Final = "/onboarding-tasks"
_PROJECT: Final = "/clients/{client:str}/project"
_TASK: Final = f"{_PROJECT}/tasks/{{task_id:uuid}}"
_ASSESSMENT: Final = "/clients/{client:str}/assessment"
_PARTS: Final[Mapping[str, Any]] = {
    "objectives": ObjectiveRow, "ownership": OwnershipRow, "processes": ProcessRow, "integrations": IntegrationRow,
    "risks": RiskRow,
}  # fmt: skip
STATE_KINDS: Final = {"open": ("neutral", "dot"), "blocked": ("bad", "alert"), "done": ("ok", "check-circle")}
"""Kind and icon of a task's badge."""


@get(_PLAYBOOKS, name="playbooks", opt=_FLEET, dependencies=PLAYBOOKS.page_parameters, include_in_schema=False)
async def list_playbooks_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, PLAYBOOKS, listed)
    context = {"listed": list_view(PLAYBOOKS, listed, found, _PLAYBOOKS)}
    return render_page(access, "playbooks.html", translate("Playbooks"), context, refusal=listed.refusal)


@get(_STUCK, name="stuck-tasks", opt=_FLEET, dependencies=STUCK_TASKS.page_parameters, include_in_schema=False)
async def list_stuck_tasks_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, STUCK_TASKS, listed)
    context = {"listed": list_view(STUCK_TASKS, listed, found, _STUCK), "kinds": STATE_KINDS}
    return render_page(access, "stuck_tasks.html", translate("Stuck tasks"), context, refusal=listed.refusal)


@get(f"{_PLAYBOOKS}/new", opt=_SAVE, include_in_schema=False)
async def new_playbook_page(access: OpenAccess) -> Response[Any]:
    """The form with the example's tasks."""
    return _playbook(access, {"name": "", "csv": write_playbook(example_playbook())})


@get(f"{_PLAYBOOKS}/{{playbook_id:uuid}}", opt=_READ, include_in_schema=False)
async def show_playbook_page(access: OpenAccess, playbook_id: FromPath[UUID]) -> Response[Any]:
    found = await load_playbook(access.session, playbook_id)
    return _playbook(access, {"name": found.name, "csv": write_playbook(found.content)}, found=found)


@post(f"{_PLAYBOOKS}/new", opt=_SAVE, include_in_schema=False)
async def save_playbook_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = {name: str(value) for name, value in (await request.form()).items()}
    try:
        content = parse_playbook(typed.get("csv", ""))
    except InvalidInput as wrong:
        return _playbook(access, typed, wrong)
    saving = save_playbook(access.session, name=typed.get("name", ""), content=content, now=access.now, new_id=new_id)
    refusal = await run_action(access.session, saving)
    if refusal is not None:
        return _playbook(access, typed, refusal)
    return redirect_to(access, _PLAYBOOKS, done=translate("Playbook saved"))


@get(_PROJECT, name="project", opt=_READ, include_in_schema=False)
async def show_project_page(access: OpenAccess) -> Response[Any]:
    return await _project(access, facts=await read_facts(access))


@post(_PROJECT, opt=_WORK, include_in_schema=False)
async def start_project_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = {name: str(value) for name, value in (await request.form()).items()}
    facts = await read_facts(access)
    try:
        starts_on, playbook_id = _day(typed, "starts_on"), UUID(typed.get("playbook_id", ""))
        playbook = await read_playbook(access, playbook_id)
    except (ValueError, NotFound):
        return await _project(
            access, InvalidInput(N_("Choose one of the playbooks."), field="playbook_id"), facts=facts
        )
    except InvalidInput as wrong:
        return await _project(access, wrong, facts=facts)
    starting = work.start_project(access.session, playbook, starts_on=starts_on, now=access.now, new_id=new_id)
    refusal = await run_action(access.session, starting)
    if refusal is not None:
        return await _project(access, refusal, facts=facts)
    return redirect_to(access, "/project", done=translate("Project started"))


@post(f"{_PROJECT}/sponsors", opt=_WORK, include_in_schema=False)
async def set_sponsors_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    form, facts = await request.form(), await read_facts(access)
    wanted = SponsorsInput(**{one.value: str(form.get(one.value, ""))[:500] for one in Sponsor})
    refusal = await run_action(access.session, work.set_sponsors(access.session, wanted, now=access.now))
    if refusal is not None:
        return await _project(access, refusal, facts=facts)
    return redirect_to(access, "/project", done=translate("Sponsors saved"))


@post(f"{_PROJECT}/objective", opt=_WORK, include_in_schema=False)
async def set_objective_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed, facts = {name: str(value) for name, value in (await request.form()).items()}, await read_facts(access)
    objective, journey = typed.get("objective", ""), typed.get("first_journey", "")
    wanted = ObjectiveInput(
        objective=ProjectObjective.of(objective) if objective in set(ProjectObjective) else None,
        target=typed.get("target", ""),
        first_journey=FirstJourney.of(journey) if journey in set(FirstJourney) else None,
    )
    refusal = await run_action(access.session, work.set_objective(access.session, wanted, now=access.now))
    if refusal is not None:
        return await _project(access, refusal, facts=facts)
    return redirect_to(access, "/project", done=translate("Objective saved"))


@post(_TASK, opt=_WORK, include_in_schema=False)
async def change_task_page(request: AnyRequest, access: OpenAccess, task_id: FromPath[UUID]) -> Response[Any]:
    typed, facts = {name: str(value) for name, value in (await request.form()).items()}, await read_facts(access)
    try:
        state = typed.get("state", "")
        wanted = TaskInput(
            state=TaskState.of(state) if state in set(TaskState) else None, reason=typed.get("reason", ""),
            owner=typed.get("owner"), due_on=_day(typed, "due_on"),
        )  # fmt: skip
    except InvalidInput as wrong:
        return await _project(access, wrong, at=task_id, facts=facts)
    changing = work.change_task(access.session, task_id, wanted, facts=facts, now=access.now)
    refusal = await run_action(access.session, changing)
    if refusal is not None:
        return await _project(access, refusal, at=task_id, facts=facts)
    return redirect_to(access, f"/project#task-{task_id}", done=translate("Task saved"))


@post(f"{_TASK}/waiver", opt=_WAIVE, include_in_schema=False)
async def waive_task_page(request: AnyRequest, access: OpenAccess, task_id: FromPath[UUID]) -> Response[Any]:
    """Waive the fact that the task follows; with `withdraw`, no longer."""
    form, facts = await request.form(), await read_facts(access)
    acting = (
        withdraw_task_waiver(access.session, task_id, now=access.now)
        if form.get("withdraw")
        else waive_task(access.session, task_id, reason=str(form.get("reason", "")), now=access.now)
    )
    refusal = await run_action(access.session, acting)
    if refusal is not None:
        return await _project(access, refusal, at=task_id, facts=facts)
    return redirect_to(access, f"/project#task-{task_id}", done=translate("Task saved"))


@post(f"{_TASK}/evidence", opt=_WORK, include_in_schema=False)
async def add_evidence_page(request: AnyRequest, access: OpenAccess, task_id: FromPath[UUID]) -> Response[Any]:
    form, facts = await request.form(), await read_facts(access)
    kind, text = str(form.get("kind", "")), str(form.get("text", ""))
    wanted = EvidenceInput(kind=EvidenceKind.of(kind) if kind in set(EvidenceKind) else EvidenceKind.NOTE, text=text)
    adding = work.add_evidence(access.session, task_id, wanted, now=access.now, new_id=new_id)
    refusal = await run_action(access.session, adding)
    if refusal is not None:
        return await _project(access, refusal, at=task_id, facts=facts)
    return redirect_to(access, f"/project#task-{task_id}", done=translate("Evidence added"))


@get(_ASSESSMENT, opt=_READ, include_in_schema=False)
async def show_assessment_page(access: OpenAccess) -> Response[Any]:
    """Show all parts on one page, which can be printed."""
    found = await assess_client(access.session, await load_view(access), facts=await read_facts(access), now=access.now)
    context = {"assessment": found, "drawing": draw_processes(found.processes, access.require_client().name)}
    return render_page(access, "assessment.html", translate("Assessment"), context)


@get(f"{_ASSESSMENT}/process-map.svg", opt=_READ, include_in_schema=False)
async def export_process_map(access: OpenAccess) -> Response[bytes]:
    client = access.require_client()
    found = await assess_client(access.session, await load_view(access), facts=await read_facts(access), now=access.now)
    drawing = draw_processes(found.processes, client.name).encode()
    headers = {"Content-Disposition": f'attachment; filename="{client.slug}-process-map.svg"'}
    return Response(drawing, media_type="image/svg+xml", headers=headers)


@get([f"{_ASSESSMENT}/{part}.csv" for part in _PARTS], opt=_READ, include_in_schema=False)
async def export_assessment(request: AnyRequest, access: OpenAccess) -> Response[bytes]:
    part = str(request.scope["path"]).rpartition("/")[2].removesuffix(".csv")
    found = await assess_client(access.session, await load_view(access), facts=await read_facts(access), now=access.now)
    names = _PARTS[part].__struct_fields__
    rows = [[getattr(row, name) for name in names] for row in getattr(found, part)]
    name = f"{access.require_client().slug}-{part}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(write_lines([names, *rows]), media_type=CSV_TYPE, headers=headers)


PLAYBOOK_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_playbooks_page, export_page(PLAYBOOKS, _PLAYBOOKS, opt=_FLEET), list_stuck_tasks_page,
    export_page(STUCK_TASKS, _STUCK, opt=_FLEET), new_playbook_page, show_playbook_page, save_playbook_page,
    show_project_page, start_project_page, set_sponsors_page, set_objective_page, change_task_page, waive_task_page,
    add_evidence_page,
    show_assessment_page, export_process_map, export_assessment,
)  # fmt: skip


def _day(typed: Typed, field: str) -> date | None:
    """Raises InvalidInput."""
    text = typed.get(field, "").strip()
    if not text:
        return None
    if not is_day(text):
        raise InvalidInput(N_("Enter a day, such as 2026-11-29."), field=field)
    return date.fromisoformat(text)


def _playbook(access: Access, typed: Typed, refusal: DomainError | None = None, *, found: Any = None) -> Response[Any]:
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    context = {
        "typed": typed, "found": found, "columns": ", ".join(FACT_COLUMNS),
        "facts": [(str(one), translate(one.label)) for one in ProjectFact],
        "errors": {} if refusal is None else {field: refusal.detail},
    }  # fmt: skip
    title = translate("New playbook") if found is None else found.name
    return render_page(access, "playbook.html", title, context, refusal=refusal)


async def _project(
    access: Access, refusal: DomainError | None = None, *, at: UUID | None = None, facts: Facts
) -> Response[Any]:
    client = access.require_client()
    found = await find_project(access.session, today=access.now.date(), facts=facts)
    options: list[tuple[str, str]] = []
    if found is None:
        await access.enter_fleet()
        options = await list_playbook_options(access.session)
        await access.enter_account(client.tenant_id)
    context = {
        "project": found, "playbooks": options, "refused": refusal, "at": None if at is None else str(at),
        "waivable": WAIVABLE, "kinds": STATE_KINDS, "today": access.now.date().isoformat(),
        "states": [(str(one), translate(one.label)) for one in TaskState],
        "state_labels": {str(one): translate(one.label) for one in TaskState},
        "evidence_kinds": [(str(one), translate(one.label)) for one in EvidenceKind],
        "evidence_labels": {str(one): translate(one.label) for one in EvidenceKind},
        "sponsors": [(str(one), translate(one.label)) for one in Sponsor],
        "objectives": [(str(one), translate(one.label)) for one in ProjectObjective],
        "journeys": [(str(one), translate(one.label)) for one in FirstJourney],
    }  # fmt: skip
    return render_page(access, "project.html", translate("Onboarding project"), context, refusal=refusal)
