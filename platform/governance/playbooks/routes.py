"""The API of playbooks, onboarding projects and assessments."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from foundation.errors import NotFound
from foundation.ids import new_id
from foundation.web.api import delete, patch, post, put
from governance.onboarding.pages import load_view
from governance.onboarding.schemas import WaiverInput
from governance.playbooks import work
from governance.playbooks.assessment import Assessment, assess_client
from governance.playbooks.content import PlaybookContent, parse_playbook
from governance.playbooks.facts import Facts, read_facts
from governance.playbooks.lists import PLAYBOOKS, STUCK_TASKS
from governance.playbooks.permissions import PlaybookPermission
from governance.playbooks.queries import find_project
from governance.playbooks.save_playbook import load_playbook, save_playbook
from governance.playbooks.schemas import (
    EvidenceInput,
    ObjectiveInput,
    PlaybookInput,
    PlaybookSaved,
    PlaybookView,
    ProjectInput,
    ProjectView,
    SponsorsInput,
    TaskInput,
)
from governance.playbooks.waive_task import waive_task, withdraw_task_waiver
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": PlaybookPermission.READ_PROJECTS}
_FLEET: Final = {**_READ, "fleet": True}
_WORK: Final = {"permission": PlaybookPermission.WRITE_PROJECTS}
_WAIVE: Final = {"permission": PlaybookPermission.WAIVE_FACTS}
_SAVE: Final = {"permission": PlaybookPermission.WRITE_PLAYBOOKS}
_ROOT: Final = "/api/v1/playbooks"
_CLIENT: Final = "/api/v1/clients/{client:str}"
_PROJECT: Final = f"{_CLIENT}/project"
_TASK: Final = f"{_PROJECT}/tasks/{{task_id:uuid}}"
_TAGS: Final = ["onboarding projects"]

PLAYBOOK_LIST: Final = list_route(PLAYBOOKS, _ROOT, opt=_FLEET, tags=_TAGS, about="List the MSP's playbooks.")
STUCK_TASK_LIST: Final = list_route(
    STUCK_TASKS,
    "/api/v1/onboarding-tasks",
    opt=_FLEET,
    tags=_TAGS,
    about="List tasks of all clients' onboarding projects that are overdue, blocked or without an owner.",
)


@get(f"{_ROOT}/{{playbook_id:uuid}}", opt=_FLEET, tags=_TAGS)
async def show_playbook(access: OpenAccess, playbook_id: FromPath[UUID]) -> PlaybookView:
    """A playbook with its tasks."""
    return await load_playbook(access.session, playbook_id)


@post(_ROOT, opt=_SAVE, tags=_TAGS)
async def save_new_playbook(access: OpenAccess, data: JSONBody[PlaybookInput]) -> PlaybookSaved:
    """Save a playbook; one of this name is replaced. Projects that were started by it stay as they are."""
    return await save_playbook(access.session, name=data.name, content=content_of(data), now=access.now, new_id=new_id)


@get(_PROJECT, opt=_READ, tags=_TAGS)
async def show_project(access: OpenAccess) -> ProjectView:
    """The client's onboarding project: phases with gates and tasks, workstreams, sponsors, evidence."""
    access.require_client()
    return await require_project(access, await read_facts(access))


@post(_PROJECT, opt=_WORK, tags=_TAGS)
async def start_client_project(access: OpenAccess, data: JSONBody[ProjectInput]) -> ProjectView:
    """Start the client's onboarding project with the tasks of a playbook."""
    playbook, facts = await read_playbook(access, data.playbook_id), await read_facts(access)
    await work.start_project(access.session, playbook, starts_on=data.starts_on, now=access.now, new_id=new_id)
    return await require_project(access, facts)


@put(f"{_PROJECT}/sponsors", opt=_WORK, tags=_TAGS, status_code=204)
async def set_project_sponsors(access: OpenAccess, data: JSONBody[SponsorsInput]) -> None:
    """Name the four executive sponsors."""
    await work.set_sponsors(access.session, data, now=access.now)


@put(f"{_PROJECT}/objective", opt=_WORK, tags=_TAGS, status_code=204)
async def set_project_objective(access: OpenAccess, data: JSONBody[ObjectiveInput]) -> None:
    """Choose the project's objective and the journey with which the rollout starts."""
    await work.set_objective(access.session, data, now=access.now)


@patch(_TASK, opt=_WORK, tags=_TAGS, status_code=204)
async def change_project_task(access: OpenAccess, task_id: FromPath[UUID], data: JSONBody[TaskInput]) -> None:
    """Change a task's state, owner or due day. A gate and missing evidence refuse `done`; of a task that follows a
    fact, nobody sets the state.
    """
    await work.change_task(access.session, task_id, data, facts=await read_facts(access), now=access.now)


@put(f"{_TASK}/waiver", opt=_WAIVE, tags=_TAGS, status_code=204)
async def waive_project_task(access: OpenAccess, task_id: FromPath[UUID], data: JSONBody[WaiverInput]) -> None:
    """Waive the fact that a task follows, with a reason: the task is done without it."""
    await waive_task(access.session, task_id, reason=data.reason, now=access.now)


@delete(f"{_TASK}/waiver", opt=_WAIVE, tags=_TAGS)
async def withdraw_project_task_waiver(access: OpenAccess, task_id: FromPath[UUID]) -> None:
    """Withdraw the waiver of a task's fact."""
    await withdraw_task_waiver(access.session, task_id, now=access.now)


@post(f"{_TASK}/evidence", opt=_WORK, tags=_TAGS, status_code=204)
async def add_task_evidence(access: OpenAccess, task_id: FromPath[UUID], data: JSONBody[EvidenceInput]) -> None:
    """Add a note, a link or the reference of a file. Evidence is never changed."""
    await work.add_evidence(access.session, task_id, data, now=access.now, new_id=new_id)


@get(f"{_CLIENT}/assessment", opt=_READ, tags=_TAGS)
async def show_assessment(access: OpenAccess) -> Assessment:
    """The client's data ownership model, processes, integration inventory and risk register, as far as known."""
    return await assess_client(access.session, await load_view(access), facts=await read_facts(access), now=access.now)


PLAYBOOK_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    PLAYBOOK_LIST, STUCK_TASK_LIST, show_playbook, save_new_playbook, show_project, start_client_project,
    set_project_sponsors, set_project_objective, change_project_task, waive_project_task,
    withdraw_project_task_waiver, add_task_evidence,
    show_assessment,
)  # fmt: skip


def content_of(data: PlaybookInput) -> PlaybookContent:
    """Raises InvalidInput."""
    return parse_playbook(data.csv) if data.content is None else data.content


async def require_project(access: Access, facts: Facts) -> ProjectView:
    """Raises NotFound: the client has none."""
    found = await find_project(access.session, today=access.now.date(), facts=facts)
    if found is None:
        raise NotFound
    return found


async def read_playbook(access: Access, playbook_id: UUID) -> PlaybookView:
    """A playbook of the MSP of the client in the address; afterwards in the client's account. Raises NotFound."""
    await access.enter_fleet()
    found = await load_playbook(access.session, playbook_id)
    await access.enter_account(access.require_client().tenant_id)
    return found
