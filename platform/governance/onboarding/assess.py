"""States of onboarding steps and checks, derived from the facts, with a sentence in the reader's language on each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_, NN_
from governance.elements.value_hold import HoldEnd
from governance.onboarding.facts import OnboardingFacts
from governance.onboarding.schemas import CheckView, StepView, WaiverView
from governance.onboarding.steps import CheckState, OnboardingCheck, OnboardingStep, StepState

Found = tuple[StepState, str]
"""A step's state, and a sentence about its missing part, or about the result of a finished step."""
_CONNECTIONS: Final = NN_("{number} connection, all tested.", "{number} connections, all tested.")
_UNTESTED: Final = NN_("{number} connection was never reached.", "{number} connections were never reached.")
_FAILING: Final = NN_("{number} connection does not work.", "{number} connections do not work.")
_UNOWNED: Final = NN_(
    "{number} element is reported and has no owner.", "{number} elements are reported and have no owner."
)
_ORPHANED: Final = NN_("The source of {number} contract is deleted.", "The sources of {number} contracts are deleted.")
_CONTRACTS: Final = NN_("{number} contract is published.", "{number} contracts are published.")
_UNNAMED: Final = NN_(
    "Nobody is named for {number} data domain in use.", "Nobody is named for {number} data domains in use."
)
_APPROVERS: Final = NN_("{number} member can answer approvals.", "{number} members can answer approvals.")
_INVITED: Final = NN_(
    "{number} approver is invited and has not chosen a password yet.",
    "{number} approvers are invited and have not chosen a password yet.",
)
_UNHEARD: Final = NN_("{number} source has sent no webhook yet.", "{number} sources have sent no webhook yet.")
_PATHS: Final[Mapping[OnboardingStep, str]] = {
    OnboardingStep.CLIENT: "/details",
    OnboardingStep.TEMPLATE: "/template",
    OnboardingStep.SYSTEMS: "/connections",
    OnboardingStep.CONTRACTS: "/contracts",
    OnboardingStep.BASELINE: "/baselines",
    OnboardingStep.POLICY: "/policy",
    OnboardingStep.PLAN: "/prices",
    OnboardingStep.PEOPLE: "/members",
    OnboardingStep.GO_LIVE: "/onboarding/go_live",
}


def _count(forms: tuple[str, str], number: int) -> str:
    return current_localizer().count(*forms, number)


def _client(facts: OnboardingFacts) -> Found:
    if facts.language and facts.time_zone:
        return StepState.DONE, translate(N_("Language and time zone are set."))
    return StepState.OPEN, translate(N_("The client's language and time zone are not set."))


def _template(facts: OnboardingFacts) -> Found:
    if not facts.template_name:
        return StepState.OPTIONAL, translate(N_("No template is followed: each step is set by hand."))
    said = N_("Follows “{name}”, version {number}.")
    return StepState.DONE, translate(said, name=facts.template_name, number=facts.template_version)


def _systems(facts: OnboardingFacts) -> Found:
    if facts.failing:
        return StepState.BLOCKED, _count(_FAILING, facts.failing)
    if not facts.sources:
        return StepState.OPEN, translate(N_("No system that reports values is connected."))
    if not facts.channels:
        return StepState.OPEN, translate(N_("No channel that shows values is connected."))
    if facts.untested:
        return StepState.OPEN, _count(_UNTESTED, facts.untested)
    return StepState.DONE, _count(_CONNECTIONS, facts.active)


def _contracts(facts: OnboardingFacts) -> Found:
    if facts.orphaned:
        return StepState.BLOCKED, _count(_ORPHANED, facts.orphaned)
    if not facts.contracts:
        return StepState.OPEN, translate(N_("No element has a source of truth and an owner yet."))
    if facts.unowned:
        return StepState.OPEN, _count(_UNOWNED, facts.unowned)
    published = _count(_CONTRACTS, facts.contracts)
    return StepState.DONE, f"{published} {_count(_UNNAMED, facts.unnamed)}" if facts.unnamed else published


def _baseline(facts: OnboardingFacts) -> Found:
    if facts.baseline in {"accepting", "accepted"}:
        return StepState.DONE, translate(N_("A baseline is accepted."))
    if facts.hold == HoldEnd.SKIPPED:
        return StepState.OPTIONAL, translate(N_("The baseline was skipped: values are decided one by one."))
    if facts.baseline == "ready":
        return StepState.OPEN, translate(N_("A baseline is read. Compare it, and accept it."))
    if facts.baseline == "reading":
        return StepState.WAITING, translate(N_("The systems are being read."))
    if not facts.contracts:
        return StepState.OPEN, translate(N_("A baseline can be read once contracts name the sources."))
    return StepState.OPEN, translate(N_("Sources and channels are not compared yet."))


def _policy(facts: OnboardingFacts) -> Found:
    if facts.policy_version and facts.has_rules:
        return StepState.DONE, translate(N_("Version {number} is published."), number=facts.policy_version)
    return StepState.OPEN, translate(N_("No rules are published, so every change needs approval."))


def _plan(facts: OnboardingFacts) -> Found:
    if facts.has_prices and facts.has_plan:
        return StepState.DONE, translate(N_("A plan is chosen, and a retail price is in force."))
    if facts.has_prices:
        return StepState.DONE, translate(N_("A retail price is in force."))
    return StepState.OPEN, translate(N_("No retail price is in force for this client."))


def _people(facts: OnboardingFacts) -> Found:
    if facts.approvers:
        return StepState.DONE, _count(_APPROVERS, facts.approvers)
    if facts.invited:
        return StepState.WAITING, _count(_INVITED, facts.invited)
    return StepState.OPEN, translate(N_("No member of the client can answer approvals yet."))


def _go_live(facts: OnboardingFacts) -> Found:
    if facts.live_at is not None:
        return StepState.DONE, translate(N_("Live since {time}."), time=current_localizer().moment(facts.live_at))
    if any(run(facts)[0] is CheckState.FAILED for run in _CHECKS.values()):
        return StepState.OPEN, translate(N_("The checks show what is missing."))
    return StepState.OPEN, translate(N_("All checks passed. The client can go live."))


_STEPS: Final[Mapping[OnboardingStep, Callable[[OnboardingFacts], Found]]] = {
    OnboardingStep.CLIENT: _client,
    OnboardingStep.TEMPLATE: _template,
    OnboardingStep.SYSTEMS: _systems,
    OnboardingStep.CONTRACTS: _contracts,
    OnboardingStep.BASELINE: _baseline,
    OnboardingStep.POLICY: _policy,
    OnboardingStep.PLAN: _plan,
    OnboardingStep.PEOPLE: _people,
    OnboardingStep.GO_LIVE: _go_live,
}


def assess_steps(facts: OnboardingFacts) -> Sequence[StepView]:
    """All steps in their order; the first open one is the current one, until the client is live."""
    found = {step: assess(facts) for step, assess in _STEPS.items()}
    current = next((step for step, (state, _) in found.items() if state is StepState.OPEN), None)
    if facts.live_at is not None or any(state is StepState.BLOCKED for state, _ in found.values()):
        current = None
    return [
        StepView(
            step,
            translate(step.label),
            StepState.CURRENT if step is current else state,
            detail,
            _PATHS[step],
        )
        for step, (state, detail) in found.items()
    ]


def _credentials(facts: OnboardingFacts) -> tuple[CheckState, str]:
    state, detail = _systems(facts)
    return (CheckState.PASSED if state is StepState.DONE else CheckState.FAILED), detail


def _webhooks(facts: OnboardingFacts) -> tuple[CheckState, str]:
    if not facts.hooked:
        return CheckState.NOT_NEEDED, translate(N_("No source sends webhooks."))
    if facts.unheard:
        return CheckState.FAILED, _count(_UNHEARD, facts.unheard)
    return CheckState.PASSED, translate(N_("A webhook has arrived from every source that sends them."))


def _owners(facts: OnboardingFacts) -> tuple[CheckState, str]:
    state, detail = _contracts(facts)
    return (CheckState.PASSED if state is StepState.DONE else CheckState.FAILED), detail


def _read_back(facts: OnboardingFacts) -> tuple[CheckState, str]:
    if facts.first_sync_at is None:
        return CheckState.FAILED, translate(N_("Change a value in the source, and wait until it shows on a channel."))
    at = current_localizer().moment(facts.first_sync_at)
    return CheckState.PASSED, translate(N_("The first value was read back on {time}."), time=at)


def _approver(facts: OnboardingFacts) -> tuple[CheckState, str]:
    state, detail = _people(facts)
    return (CheckState.PASSED if state is StepState.DONE else CheckState.FAILED), detail


_CHECKS: Final[Mapping[OnboardingCheck, Callable[[OnboardingFacts], tuple[CheckState, str]]]] = {
    OnboardingCheck.CREDENTIALS: _credentials,
    OnboardingCheck.WEBHOOKS: _webhooks,
    OnboardingCheck.CONTRACTS: _owners,
    OnboardingCheck.READ_BACK: _read_back,
    OnboardingCheck.APPROVER: _approver,
}


def assess_checks(facts: OnboardingFacts, waivers: Mapping[str, WaiverView]) -> Sequence[CheckView]:
    """The go-live checklist. A failed check that is waived does not hold the client back."""
    views = []
    for check, run in _CHECKS.items():
        state, detail = run(facts)
        waiver = waivers.get(check)
        if state is CheckState.FAILED and waiver is not None:
            state = CheckState.WAIVED
        views.append(CheckView(check, translate(check.label), state, detail, waiver))
    return views
