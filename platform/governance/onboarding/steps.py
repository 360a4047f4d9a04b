"""Steps of an onboarding and checks of its go-live checklist, with the SQL that determines whether each is done.

A step is done when its subject exists, never because somebody ticked it. The SQL reads the columns of
`governance.onboarding.facts`.
"""

from collections.abc import Mapping
from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_


class OnboardingStep(LabelledCode):
    CLIENT = "client", N_("Client details")
    TEMPLATE = "template", N_("Template")
    SYSTEMS = "systems", N_("Systems")
    CONTRACTS = "contracts", N_("Data ownership")
    BASELINE = "baseline", N_("Baseline")
    POLICY = "policy", N_("Policy")
    PLAN = "plan", N_("Plan and prices")
    PEOPLE = "people", N_("People and sign-in")
    GO_LIVE = "go_live", N_("Go-live")


class OnboardingCheck(LabelledCode):
    CREDENTIALS = "credentials", N_("Every connection's credentials work")
    WEBHOOKS = "webhooks", N_("Webhooks of the sources were received")
    CONTRACTS = "contracts", N_("Every reported element has exactly one owner")
    READ_BACK = "read_back", N_("A value was read back from a channel")
    APPROVER = "approver", N_("A member of the client can answer approvals")


class StepState(LabelledCode):
    DONE = "done", N_("Done")
    CURRENT = "current", N_("Next")
    OPEN = "open", N_("Open")
    WAITING = "waiting", N_("In progress")
    BLOCKED = "blocked", N_("Needs attention")
    OPTIONAL = "optional", N_("Optional")


class CheckState(LabelledCode):
    PASSED = "passed", N_("Passed")
    FAILED = "failed", N_("Failed")
    WAIVED = "waived", N_("Waived")
    NOT_NEEDED = "not_needed", N_("Not needed")


DONE: Final[Mapping[OnboardingStep, str]] = {
    OnboardingStep.CLIENT: "f.language <> '' AND f.time_zone <> ''",
    OnboardingStep.TEMPLATE: "true",  # optional
    OnboardingStep.SYSTEMS: "f.sources > 0 AND f.channels > 0 AND f.untested = 0 AND f.failing = 0",
    OnboardingStep.CONTRACTS: "f.contracts > 0 AND f.unowned = 0 AND f.orphaned = 0",
    OnboardingStep.BASELINE: "(f.baseline IN ('accepting', 'accepted') OR f.hold = 'skipped')",
    OnboardingStep.POLICY: "f.policy_version > 0 AND f.has_rules",
    OnboardingStep.PLAN: "f.has_prices",
    OnboardingStep.PEOPLE: "f.approvers > 0",
    OnboardingStep.GO_LIVE: "f.live_at IS NOT NULL",
}
ORDER: Final = tuple(OnboardingStep)

PASSED: Final[Mapping[OnboardingCheck, str]] = {
    OnboardingCheck.CREDENTIALS: "f.sources > 0 AND f.channels > 0 AND f.untested = 0 AND f.failing = 0",
    OnboardingCheck.WEBHOOKS: "f.unheard = 0",
    OnboardingCheck.CONTRACTS: DONE[OnboardingStep.CONTRACTS],
    OnboardingCheck.READ_BACK: "f.first_sync_at IS NOT NULL",
    OnboardingCheck.APPROVER: DONE[OnboardingStep.PEOPLE],
}


def first_open() -> str:
    """As SQL: the first step that is not done; `live` if the client is live."""
    whens = " ".join(f"WHEN NOT ({DONE[step]}) THEN '{step}'" for step in ORDER)
    return f"CASE WHEN {DONE[OnboardingStep.GO_LIVE]} THEN 'live' {whens} ELSE 'live' END"
