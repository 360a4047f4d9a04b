"""Facts that a project's tasks may follow: such a task is done if the client's recorded data fulfils its fact.

Read in the fleet's scope, as the facts of onboardings.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.codes import LabelledCode
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_
from governance.onboarding.assess import assess_checks, assess_steps
from governance.onboarding.facts import FACTS, OnboardingFacts
from governance.onboarding.queries import load_facts, load_waivers
from governance.onboarding.schemas import CheckView, StepView
from governance.onboarding.steps import DONE, PASSED, CheckState, OnboardingCheck, OnboardingStep, StepState
from governance.playbooks.states import ProjectObjective, Sponsor
from tenants.access import Access


class ProjectFact(LabelledCode):
    """The first five are the checks of the go-live checklist. A check that is waived there counts as waived here."""

    CREDENTIALS = "credentials", N_("Every connection's credentials work")
    WEBHOOKS = "webhooks", N_("Webhooks of the sources were received")
    CONTRACTS = "contracts", N_("Every reported element has exactly one owner")
    READ_BACK = "read_back", N_("A value was read back from a channel")
    APPROVER = "approver", N_("A member of the client can answer approvals")
    BASELINE = "baseline", N_("A baseline is accepted")
    POLICY = "policy", N_("Rules of the policy are published")
    PRICES = "prices", N_("A retail price is in force")
    INVOICE_DETAILS = "invoice_details", N_("The invoice details are complete")
    LIVE = "live", N_("The client is live")
    SPONSORS = "sponsors", N_("All four executive sponsors are named")
    DOMAINS = "domains", N_("Every data domain in use has a named owner")
    OBJECTIVE = "objective", N_("The objective and the first journey are chosen")


WAIVABLE: Final = frozenset(ProjectFact) - {ProjectFact.LIVE, ProjectFact.SPONSORS}
"""Not the go-live, which the go-live checklist decides. Nor the sponsors: one person may be named for several parts of
the business.
"""
_CHECKS: Final = {ProjectFact.of(one): one for one in OnboardingCheck}
_STEPS: Final = {
    ProjectFact.BASELINE: OnboardingStep.BASELINE,
    ProjectFact.POLICY: OnboardingStep.POLICY,
    ProjectFact.PRICES: OnboardingStep.PLAN,
    ProjectFact.LIVE: OnboardingStep.GO_LIVE,
}
_PATHS: Final = {
    ProjectFact.CREDENTIALS: "/connections",
    ProjectFact.WEBHOOKS: "/connections",
    ProjectFact.CONTRACTS: "/contracts",
    ProjectFact.READ_BACK: "/changes",
    ProjectFact.APPROVER: "/members",
    ProjectFact.INVOICE_DETAILS: "/billing-details",
    ProjectFact.DOMAINS: "/contracts",
    ProjectFact.SPONSORS: "/project#sponsors",
    ProjectFact.OBJECTIVE: "/project#objective",
}
_NAMED: Final = ", ".join(f"'{one}'" for one in Sponsor)
_HOLDS: Final[Mapping[ProjectFact, str]] = {
    **{fact: PASSED[check] for fact, check in _CHECKS.items()},
    **{fact: DONE[step] for fact, step in _STEPS.items()},
    ProjectFact.INVOICE_DETAILS: "f.billed_at IS NOT NULL",
    ProjectFact.DOMAINS: "f.contracts > 0 AND f.unnamed = 0",
    ProjectFact.SPONSORS: f"""EXISTS (SELECT 1 FROM onboarding_project o WHERE o.tenant_id = f.tenant_id
                                         AND jsonb_exists_all(o.sponsors, ARRAY[{_NAMED}]))""",
    ProjectFact.OBJECTIVE: """EXISTS (SELECT 1 FROM onboarding_project o WHERE o.tenant_id = f.tenant_id
                                         AND o.objective <> '' AND o.first_journey <> '')""",
}
_IS_BLOCKED: Final = {ProjectFact.CREDENTIALS: "f.failing > 0", ProjectFact.CONTRACTS: "f.orphaned > 0"}


class FactView(msgspec.Struct, frozen=True, kw_only=True):
    """A fact with its missing part, in the reader's language. `holds`: also if its check is waived on the go-live
    checklist, then with `waiver`. `at`: the time at which the fact came about, if it is recorded. `path`: the page
    where it is settled, after the client's root.
    """

    fact: ProjectFact
    label: str
    holds: bool
    is_blocked: bool
    detail: str
    at: datetime | None
    path: str
    waiver: str = ""


Facts = Mapping[ProjectFact, FactView]
NO_FACTS: Final[Facts] = MappingProxyType({})


async def load_project_facts(session: AsyncSession, client_id: UUID, *, now: datetime) -> Facts:
    """All facts of one of the MSP's clients. Raises NotFound."""
    found, _ = await load_facts(session, client_id, now=now)
    checks = {one.check: one for one in assess_checks(found, await load_waivers(session, client_id))}
    steps = {one.step: one for one in assess_steps(found)}
    times = _times(found)
    views = [
        *(
            _of_check(fact, checks[check], times[fact], is_blocked=_is_blocked(found, fact))
            for fact, check in _CHECKS.items()
        ),
        *(_of_step(fact, steps[step], times[fact]) for fact, step in _STEPS.items()),
        _invoice_details(found),
        _domains(found, steps[OnboardingStep.CONTRACTS]),
        *_of_project(await _read_choices(session, client_id)),
    ]
    return {one.fact: one for one in views}


async def read_facts(access: Access) -> Facts:
    """Facts of the client in the address; afterwards in its account."""
    client = access.require_client()
    await access.enter_fleet()
    found = await load_project_facts(access.session, client.tenant_id, now=access.now)
    await access.enter_account(client.tenant_id)
    return found


def _is_blocked(found: OnboardingFacts, fact: ProjectFact) -> bool:
    """The same condition as `_IS_BLOCKED`, in Python."""
    return bool({ProjectFact.CREDENTIALS: found.failing, ProjectFact.CONTRACTS: found.orphaned}.get(fact, 0))


def _times(found: OnboardingFacts) -> Mapping[ProjectFact, datetime | None]:
    return {
        ProjectFact.CREDENTIALS: found.reached_at, ProjectFact.WEBHOOKS: found.heard_at,
        ProjectFact.CONTRACTS: found.contracts_at, ProjectFact.READ_BACK: found.first_sync_at,
        ProjectFact.APPROVER: None, ProjectFact.BASELINE: found.baseline_at, ProjectFact.POLICY: found.policy_at,
        ProjectFact.PRICES: None, ProjectFact.LIVE: found.live_at,
    }  # fmt: skip


def _of_check(fact: ProjectFact, check: CheckView, at: datetime | None, *, is_blocked: bool) -> FactView:
    waived = check.waiver if check.state is CheckState.WAIVED else None
    holds = check.state is not CheckState.FAILED
    return FactView(
        fact=fact, label=translate(fact.label), holds=holds, is_blocked=not holds and is_blocked, detail=check.detail,
        at=(at if waived is None else waived.waived_at) if holds else None, path=_PATHS[fact],
        waiver="" if waived is None else waived.reason,
    )  # fmt: skip


def _of_step(fact: ProjectFact, step: StepView, at: datetime | None) -> FactView:
    holds = step.state in {StepState.DONE, StepState.OPTIONAL}
    return FactView(
        fact=fact, label=translate(fact.label), holds=holds, is_blocked=step.state is StepState.BLOCKED,
        detail=step.detail, at=at if holds else None, path=step.path,
    )  # fmt: skip


def _invoice_details(found: OnboardingFacts) -> FactView:
    fact, holds = ProjectFact.INVOICE_DETAILS, found.billed_at is not None
    said = N_("The buyer on invoices is named, with an address.") if holds else N_("The buyer on invoices is missing.")
    return FactView(
        fact=fact, label=translate(fact.label), holds=holds, is_blocked=False, detail=translate(said),
        at=found.billed_at, path=_PATHS[fact],
    )  # fmt: skip


def _domains(found: OnboardingFacts, step: StepView) -> FactView:
    holds = found.contracts > 0 and not found.unnamed
    detail = translate(N_("Each domain in use has an owner.")) if holds else step.detail
    return _chosen(ProjectFact.DOMAINS, detail, holds=holds)


async def _read_choices(session: AsyncSession, client_id: UUID) -> Row[Any] | None:
    rows = await session.execute(
        text("SELECT sponsors, objective, first_journey FROM onboarding_project WHERE tenant_id = :t"),
        {"t": client_id},
    )
    return rows.one_or_none()


def _of_project(row: Row[Any] | None) -> list[FactView]:
    """Facts that are set in the project itself."""
    missing = [translate(one.label) for one in Sponsor if row is None or not row.sponsors.get(str(one))]
    sponsors = (
        translate(N_("Not named: {parts}."), parts=current_localizer().join(missing))
        if missing
        else translate(N_("Commerce, operations, IT and channels have a sponsor each."))
    )
    if row is None or not row.objective:
        chosen, objective = False, translate(N_("No objective is chosen."))
    elif not row.first_journey:
        chosen, objective = False, translate(N_("No first journey is chosen."))
    else:
        chosen, objective = True, translate(ProjectObjective.of(row.objective).label)
    return [
        _chosen(ProjectFact.SPONSORS, sponsors, holds=not missing),
        _chosen(ProjectFact.OBJECTIVE, objective, holds=chosen),
    ]


def _chosen(fact: ProjectFact, detail: str, *, holds: bool) -> FactView:
    return FactView(
        fact=fact, label=translate(fact.label), holds=holds, is_blocked=False, detail=detail, at=None,
        path=_PATHS[fact],
    )  # fmt: skip


def _cases(of: Mapping[ProjectFact, str], row: str) -> str:
    whens = " ".join(f"WHEN '{fact}' THEN {sql}" for fact, sql in of.items())
    return f"CASE {row}.fact {whens} ELSE false END"


def fact_of(row: str) -> str:
    """As SQL, a lateral row of the task `row` that follows a fact: whether it `holds` or is waived, and `is_blocked`.
    In the fleet's scope. Binds: now.
    """
    return f"""(SELECT {row}.waived_at IS NOT NULL OR {_cases(_HOLDS, row)}
                       OR EXISTS (SELECT 1 FROM onboarding_waiver w
                                   WHERE w.tenant_id = {row}.tenant_id AND w.check_name = {row}.fact) AS holds,
                       {_cases(_IS_BLOCKED, row)} AS is_blocked
                  FROM {FACTS} f WHERE {row}.fact IS NOT NULL AND f.tenant_id = {row}.tenant_id)"""
