"""Assessment of a client from its recorded data: data ownership, processes, integrations, and risks. In the client's
scope, except for its onboarding, which is read before.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.codes import LabelledCode
from foundation.i18n.localizer import translate
from foundation.marks import N_
from governance.connections.lists import CONNECTIONS, CONTRACTS
from governance.connections.schemas import ConnectionView
from governance.elements.domains import DataDomains, read_domains
from governance.elements.ownership import OwnershipReport, read_ownership
from governance.elements.selector_labels import write_selector
from governance.labels import write_element
from governance.onboarding.schemas import OnboardingView
from governance.onboarding.steps import CheckState, OnboardingCheck, OnboardingStep, StepState
from governance.playbooks.facts import Facts
from governance.playbooks.process_map import ProcessRow, read_processes
from governance.playbooks.queries import find_project
from governance.playbooks.schemas import ProjectView
from governance.playbooks.states import TaskState

SOON: Final = timedelta(days=30)


class RiskKind(LabelledCode):
    """Risks of a rollout that the assessment checks."""

    ACCOUNTABILITY = "accountability", N_("Unclear accountability")
    INTEGRATION = "integration", N_("Legacy integration constraints")
    DATA_QUALITY = "data_quality", N_("Poor data quality in source systems")
    AUTOMATION = "automation", N_("Over-automation without controls")
    SERVICE_MODEL = "service_model", N_("Service model complexity")


class OwnershipRow(msgspec.Struct, frozen=True, kw_only=True):
    """An element, or a part of it, with its owner and its source of truth. `problem` is empty if there is none."""

    element: str
    label: str
    part: str
    source: str
    owner: str
    domain: str
    domain_owner: str
    sensitivity: str
    publishing_target: timedelta | None
    correction_target: timedelta | None
    problem: str


class IntegrationRow(msgspec.Struct, frozen=True, kw_only=True):
    """A connected system. `reports` and `shows`: whether it is a source, and the elements that can be sent to it."""

    name: str
    kind: str
    environment: str
    reports: bool
    shows: Sequence[str]
    webhooks: bool
    state: str
    partner: str
    last_success_at: datetime | None
    credentials_expire_on: date | None


class RiskRow(msgspec.Struct, frozen=True, kw_only=True):
    """A risk with the evidence for it in `finding`, which is empty if there is none."""

    risk: RiskKind
    label: str
    finding: str
    owner: str


class ObjectiveRow(msgspec.Struct, frozen=True, kw_only=True):
    """Objective and sponsors of the client's project; empty where nothing is chosen or nobody named."""

    objective: str
    label: str
    target: str
    first_journey: str
    first_journey_label: str
    commerce: str
    operations: str
    it: str
    channels: str


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """`objectives`: one, or none without a project."""

    at: datetime
    objectives: Sequence[ObjectiveRow]
    ownership: Sequence[OwnershipRow]
    processes: Sequence[ProcessRow]
    integrations: Sequence[IntegrationRow]
    risks: Sequence[RiskRow]


async def assess_client(
    session: AsyncSession, onboarding: OnboardingView, *, facts: Facts, now: datetime
) -> Assessment:
    contracts = await CONTRACTS.load_all(session, now)
    gaps, domains = await read_ownership(session), await read_domains(session)
    labels = {code: one.label for one in domains.items for code in one.elements}
    owners = {code: one.owner for one in domains.items for code in one.elements}
    systems = await CONNECTIONS.load_all(session, now)
    project = await find_project(session, today=now.date(), facts=facts)
    problems = {gap.element: translate(gap.problem.label) for gap in gaps.items}
    owned = [
        OwnershipRow(
            element=one.element, label=write_element(one.element),
            part=write_selector(one.selector) if one.selector else "", source=one.source, owner=one.owner,
            domain=labels.get(one.element, ""), domain_owner=owners.get(one.element, ""), sensitivity=one.sensitivity,
            publishing_target=one.propagation_slo, correction_target=one.correction_slo,
            problem=problems.get(one.element, ""),
        )
        for one in contracts
    ]  # fmt: skip
    return Assessment(
        at=now,
        objectives=_objectives(project),
        ownership=[*owned, *_unowned(gaps)],
        processes=await read_processes(session, contracts),
        integrations=[_integration(one) for one in systems],
        risks=_complete(
            [
                *_accountability(gaps, domains, project),
                *_onboarding(onboarding),
                *_systems(systems, now),
                *_work(project),
            ]
        ),
    )


def _objectives(project: ProjectView | None) -> list[ObjectiveRow]:
    if project is None:
        return []
    chosen = project.objective
    return [
        ObjectiveRow(
            objective=str(chosen.objective or ""), label=chosen.objective_label, target=chosen.target,
            first_journey=str(chosen.first_journey or ""), first_journey_label=chosen.first_journey_label,
            **project.sponsors,
        )
    ]  # fmt: skip


def _unowned(gaps: OwnershipReport) -> list[OwnershipRow]:
    return [
        OwnershipRow(
            element=gap.element, label=write_element(gap.element), part="", source=", ".join(gap.reported_by), owner="",
            domain="", domain_owner="", sensitivity="", publishing_target=None, correction_target=None,
            problem=translate(gap.problem.label),
        )
        for gap in gaps.items
        if gap.element in gaps.unowned
    ]  # fmt: skip


def _integration(one: ConnectionView) -> IntegrationRow:
    return IntegrationRow(
        name=one.name, kind=one.kind, environment=one.environment, reports=one.is_source, shows=one.writes,
        webhooks=one.takes_webhooks, state=one.health, partner=one.partner or "",
        last_success_at=one.last_success_at, credentials_expire_on=one.credentials_expire_on,
    )  # fmt: skip


def _risk(kind: RiskKind, finding: str, owner: str = "") -> RiskRow:
    return RiskRow(risk=kind, label=translate(kind.label), finding=finding, owner=owner)


def _accountability(gaps: OwnershipReport, domains: DataDomains, project: ProjectView | None) -> Iterator[RiskRow]:
    for one in domains.items:
        if one.is_warned:
            yield _risk(
                RiskKind.ACCOUNTABILITY, translate(N_("Nobody is named for the domain “{domain}”."), domain=one.label)
            )
    for gap in gaps.items:
        said = translate(
            N_("{element}: {problem}"), element=write_element(gap.element), problem=translate(gap.problem.label)
        )
        yield _risk(RiskKind.ACCOUNTABILITY, said)
    if project is None:
        yield _risk(RiskKind.ACCOUNTABILITY, translate(N_("No onboarding project names sponsors and owners.")))
        return
    if not all(project.sponsors.values()):
        yield _risk(RiskKind.ACCOUNTABILITY, translate(N_("Not all four executive sponsors are named.")))
    if project.objective.objective is None or project.objective.first_journey is None:
        yield _risk(RiskKind.ACCOUNTABILITY, translate(N_("The objective and the first journey are not chosen.")))


_STEP_RISKS: Final = {
    OnboardingStep.SYSTEMS: RiskKind.INTEGRATION,
    OnboardingStep.BASELINE: RiskKind.DATA_QUALITY,
    OnboardingStep.POLICY: RiskKind.AUTOMATION,
    OnboardingStep.PEOPLE: RiskKind.AUTOMATION,
    OnboardingStep.PLAN: RiskKind.SERVICE_MODEL,
}
_CHECK_RISKS: Final = {
    OnboardingCheck.WEBHOOKS: RiskKind.INTEGRATION,
    OnboardingCheck.READ_BACK: RiskKind.DATA_QUALITY,
}


def _onboarding(view: OnboardingView) -> Iterator[RiskRow]:
    for step in view.steps:
        if step.step in _STEP_RISKS and step.state is not StepState.DONE:
            yield _risk(_STEP_RISKS[step.step], step.detail)
    for check in view.checks:
        if check.check in _CHECK_RISKS and check.state is CheckState.FAILED:
            yield _risk(_CHECK_RISKS[check.check], check.detail)
        if check.waiver is not None:
            said = translate(N_("Waived: {check}. {reason}"), check=check.label, reason=check.waiver.reason)
            yield _risk(RiskKind.AUTOMATION, said, check.waiver.waived_by)


def _systems(systems: Sequence[ConnectionView], now: datetime) -> Iterator[RiskRow]:
    for one in systems:
        if one.health == "failing":
            yield _risk(RiskKind.INTEGRATION, translate(N_("“{name}” does not work."), name=one.name))
        if one.credentials_expire_on is not None and one.credentials_expire_on < (now + SOON).date():
            said = translate(
                N_("The credentials of “{name}” expire on {day}."),
                name=one.name,
                day=one.credentials_expire_on.isoformat(),
            )
            yield _risk(RiskKind.INTEGRATION, said)


def _work(project: ProjectView | None) -> Iterator[RiskRow]:
    if project is None:
        return
    for phase in project.phases:
        for task in phase.tasks:
            if task.state is TaskState.BLOCKED:
                reason = task.fact.detail if task.fact is not None else task.reason
                said = translate(N_("“{task}” is blocked: {reason}"), task=task.title, reason=reason)
                yield _risk(RiskKind.SERVICE_MODEL, said, task.owner)
            elif task.is_overdue:
                said = translate(N_("“{task}” was due on {day}."), task=task.title, day=task.due_on.isoformat())
                yield _risk(RiskKind.SERVICE_MODEL, said, task.owner)


def _complete(found: Sequence[RiskRow]) -> list[RiskRow]:
    """Risks in their order, also those without a finding."""
    return [row for kind in RiskKind for row in ([one for one in found if one.risk is kind] or [_risk(kind, "")])]
