"""Decisions reserved to people, regardless of the rules of an account (decision 30)."""

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from foundation.i18n.messages import StoredMessage
from policy.conditions import Facts
from policy.facts import REGULATED_FACT, WORKFLOW_FACT
from policy.index import Decision
from policy.messages import (
    BELOW_COST_KEPT,
    COMMITMENT_KEPT,
    CUSTOMER_KEPT,
    GROUP_PRICE_KEPT,
    LARGE_ORDER_KEPT,
    PARTNER_KEPT,
    REGULATED_KEPT,
    WORKFLOW_KEPT,
)
from policy.rules import PolicyOutcome

LARGE_ORDER_MINOR: Final = 1_000_000
"""An order of 10,000.00 in a currency with cents. An account's own rule may require approval of smaller orders."""


class KeptDecision(NamedTuple):
    """A reserved decision: `reason` explains it, `applies` takes the element and the facts of a change."""

    reason: StoredMessage
    applies: Callable[[str, Facts], bool]


KEPT: Final = (
    KeptDecision(
        GROUP_PRICE_KEPT.fill(), lambda element, facts: _is_price(element) and bool(facts.get("dim_customer_group"))
    ),
    KeptDecision(BELOW_COST_KEPT.fill(), lambda element, facts: _is_price(element) and _is_below_cost(facts)),
    KeptDecision(LARGE_ORDER_KEPT.fill(), lambda _, facts: _number(facts, "total_minor") >= LARGE_ORDER_MINOR),
    KeptDecision(PARTNER_KEPT.fill(), lambda element, _: element.startswith("reseller.")),
    KeptDecision(COMMITMENT_KEPT.fill(), lambda element, _: element.startswith("policy.")),
    KeptDecision(REGULATED_KEPT.fill(), lambda _, facts: facts.get(REGULATED_FACT) == 1),
    KeptDecision(WORKFLOW_KEPT.fill(), lambda _, facts: facts.get(WORKFLOW_FACT) == 1),
    KeptDecision(CUSTOMER_KEPT.fill(), lambda element, _: element in {"customer.credit_limit", "customer.status"}),
)


def keep_with_people(decision: Decision, element: str, facts: Facts) -> Decision:
    """The decision; a review in place of an automatic pass that is reserved to people."""
    if decision.outcome is not PolicyOutcome.AUTO:
        return decision
    found = next((kept for kept in KEPT if kept.applies(element, facts)), None)
    if found is None:
        return decision
    return msgspec.structs.replace(decision, outcome=PolicyOutcome.REVIEW, rule_id="", reason=found.reason)


def _is_price(element: str) -> bool:
    return element.startswith("price.") and element != "price.cost"


def _is_below_cost(facts: Facts) -> bool:
    return facts.get("cost_known") == 1 and _number(facts, "new_minor") < _number(facts, "cost_minor")


def _number(facts: Facts, name: str) -> float:
    value = facts.get(name, 0)
    return 0 if isinstance(value, str) else float(value)
