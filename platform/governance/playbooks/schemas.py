"""Structs of playbooks and projects for pages, commands and the API."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody
from governance.onboarding.schemas import WaiverView
from governance.playbooks.content import PlaybookContent
from governance.playbooks.facts import FactView
from governance.playbooks.states import EvidenceKind, FirstJourney, ProjectObjective, Sponsor, TaskState

Name = Annotated[str, msgspec.Meta(max_length=120)]


class PlaybookInput(RequestBody, frozen=True, kw_only=True):
    """A playbook; one of this name is replaced. Its tasks as `content`, or as `csv` with the columns phase, gate,
    workstream, task, role, days and evidence, and fact and gate_fact if any task or gate follows a fact.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    content: PlaybookContent | None = None
    csv: Annotated[str, msgspec.Meta(max_length=60_000)] = ""


class PlaybookSaved(msgspec.Struct, frozen=True):
    playbook_id: UUID
    revision: int


class PlaybookView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    revision: int
    changed_at: datetime
    changed_by: str
    content: PlaybookContent


class PlaybookRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    revision: int
    tasks: int
    changed_at: datetime
    changed_by: str


class ProjectInput(RequestBody, frozen=True, kw_only=True):
    """A project to start by a playbook. `starts_on`: the day from which tasks are due; today if not given."""

    playbook_id: UUID
    starts_on: date | None = None


class SponsorsInput(RequestBody, frozen=True, kw_only=True):
    """Names of the four executive sponsors; empty for one who is not named."""

    commerce: Name = ""
    operations: Name = ""
    it: Name = ""
    channels: Name = ""

    def of(self, sponsor: Sponsor) -> str:
        return str(getattr(self, sponsor.value))


class ObjectiveInput(RequestBody, frozen=True, kw_only=True):
    """The project's objective and the journey with which the rollout starts; null for one that is not chosen.
    `target`: when the objective is reached, in words.
    """

    objective: ProjectObjective | None = None
    target: Annotated[str, msgspec.Meta(max_length=200)] = ""
    first_journey: FirstJourney | None = None


class TaskInput(RequestBody, frozen=True, kw_only=True):
    """Changes to a task; fields that are not given stay. `reason`: required for the state `blocked`."""

    state: TaskState | None = None
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    owner: Name | None = None
    due_on: date | None = None


class EvidenceInput(RequestBody, frozen=True, kw_only=True):
    """`text`: the note, the link, or the name and place of a file."""

    kind: EvidenceKind
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class EvidenceView(msgspec.Struct, frozen=True, kw_only=True):
    kind: EvidenceKind
    text: str
    added_at: datetime
    added_by: str


class TaskView(msgspec.Struct, frozen=True, kw_only=True):
    """`is_gated`: a task of an earlier phase is not done, so this one cannot be. Of a task that follows a `fact`,
    `state` is by the fact, and nobody can set it; with `waiver`, it is done without the fact.
    """

    id: UUID
    phase: str
    workstream: str
    title: str
    role: str
    owner: str
    due_on: date
    state: TaskState
    reason: str
    evidence_wanted: str
    evidence: Sequence[EvidenceView]
    is_overdue: bool
    is_gated: bool
    changed_at: datetime
    changed_by: str
    fact: FactView | None
    waiver: WaiverView | None


class PhaseView(msgspec.Struct, frozen=True, kw_only=True):
    """`gate`: the condition for the next phase. It is passed when all tasks of this phase and the earlier are done;
    `passed_at` is the time at which that was first found, and stays if tasks are open again.
    """

    number: int
    name: str
    gate: str
    is_passed: bool
    passed_at: datetime | None
    done: int
    tasks: Sequence[TaskView]


class WorkstreamView(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    done: int
    total: int
    blocked: int
    overdue: int
    stuck: int


class ObjectiveView(msgspec.Struct, frozen=True, kw_only=True):
    """Null and empty where nothing is chosen; the labels are in the reader's language."""

    objective: ProjectObjective | None
    objective_label: str
    target: str
    first_journey: FirstJourney | None
    first_journey_label: str


class ProjectView(msgspec.Struct, frozen=True, kw_only=True):
    """A client's project. `sponsors`: names by part of the business; empty where nobody is named."""

    id: UUID
    playbook_name: str
    starts_on: date
    started_at: datetime
    started_by: str
    sponsors: dict[str, str]
    objective: ObjectiveView
    done: int
    total: int
    phases: Sequence[PhaseView]
    workstreams: Sequence[WorkstreamView]


class StuckTaskRow(msgspec.Struct, frozen=True, kw_only=True):
    """A task of any client that is not done; `problems`: of overdue, blocked and unowned. `fact`: the label of the fact
    that it follows; empty if a person decides.
    """

    id: UUID
    client: str
    client_name: str
    phase: str
    workstream: str
    title: str
    role: str
    owner: str
    due_on: date
    state: TaskState
    reason: str
    fact: str
    problems: Sequence[str]
