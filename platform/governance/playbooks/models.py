"""Tables of playbooks, in the MSP account, and of projects with their tasks and evidence, in each client's."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from governance.playbooks.states import IS_OPEN_TASK


class Playbook(TenantOwned, Base):
    """A playbook; `tasks` is a `content.PlaybookContent`. Projects have copies of its tasks."""

    __tablename__ = "playbook"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    tasks: Mapped[dict[str, Any]] = mapped_column(JSONB)
    revision: Mapped[int] = mapped_column(Integer)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]

    __table_args__ = (UniqueConstraint("tenant_id", "name", name="uq_playbook_name"),)


class OnboardingProject(TenantOwned, Base):
    """The project by which a client is onboarded; at most one. `sponsors`: names by `states.Sponsor`."""

    __tablename__ = "onboarding_project"

    id: Mapped[UUID]
    playbook_name: Mapped[str]
    starts_on: Mapped[date]
    started_at: Mapped[datetime]
    started_by: Mapped[str]
    sponsors: Mapped[dict[str, str]] = mapped_column(JSONB)
    gates_passed: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    """Time at which each phase was passed, by the phase's number."""
    objective: Mapped[str] = mapped_column(server_default="")
    """A `states.ProjectObjective`; empty if none is chosen, as `first_journey`."""
    objective_target: Mapped[str] = mapped_column(server_default="")
    first_journey: Mapped[str] = mapped_column(server_default="")
    """A `states.FirstJourney`."""


class OnboardingTask(TenantOwned, Base):
    """A task of a project, with its phase and workstream in words. `gate`: the condition for the next phase."""

    __tablename__ = "onboarding_task"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    project_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(Integer)
    phase_number: Mapped[int] = mapped_column(Integer)
    phase: Mapped[str]
    gate: Mapped[str]
    workstream: Mapped[str]
    title: Mapped[str]
    role: Mapped[str]
    evidence_wanted: Mapped[str]
    fact: Mapped[str | None]
    """A `facts.ProjectFact`, which decides whether the task is done instead of `state`."""
    owner: Mapped[str]
    due_on: Mapped[date]
    state: Mapped[str]
    reason: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    waiver: Mapped[str | None]
    waived_at: Mapped[datetime | None]
    waived_by: Mapped[str | None]
    stuck_noted: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the task was announced as overdue or blocked; false again once it is neither."""

    __table_args__ = (
        Index("ix_onboarding_task_msp_id_due_on", "msp_id", "due_on", "id", postgresql_where=text(IS_OPEN_TASK)),
    )


class OnboardingEvidence(TenantOwned, Base):
    """Evidence that a task is done: a note, a link, or the reference of a file kept elsewhere. Never changed."""

    __tablename__ = "onboarding_evidence"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    task_id: Mapped[UUID]
    kind: Mapped[str]
    body: Mapped[str]
    added_at: Mapped[datetime]
    added_by: Mapped[str]

    __table_args__ = (Index("ix_onboarding_evidence_tenant_id_task_id", "tenant_id", "task_id"),)
