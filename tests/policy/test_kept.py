"""Decisions reserved for people, regardless of the rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.orders import OrderValue
from policy.conditions import Facts
from policy.facts import value_facts
from policy.index import Decision, PolicyIndex, compile_rules, decide
from policy.kept import LARGE_ORDER_MINOR, keep_with_people
from policy.messages import NO_RULE
from policy.rules import Effect, PolicyOutcome, PolicyRule, RuleKind
from tests.governance.pages.samples import ORDER_LINES
from tests.support.values import minor

GROUP = "currency=EUR,customer_group=vip"
PASSED = Decision(PolicyOutcome.AUTO, "everything", NO_RULE, 1)


def everything_passes(*elements: str) -> PolicyIndex:
    rules = [
        PolicyRule(f"pass-{one}", RuleKind.GOVERNANCE, "*", "t", one, "auto", "", Effect.ALLOW, "") for one in elements
    ]
    return compile_rules(rules, tenant_id="t", version=1)


def outcome_of(element: str, facts: Facts) -> PolicyOutcome:
    decided = decide(everything_passes(element), ("source",), element, facts)
    assert decided.outcome is PolicyOutcome.AUTO
    return keep_with_people(decided, element, facts).outcome


@pytest.mark.parametrize(
    "element",
    [
        "reseller.status", "reseller.authorized_until", "policy.terms", "policy.return_window",
        "customer.credit_limit", "customer.status",
    ],
)  # fmt: skip
def test_no_rule_passes_what_partners_and_customers_are_promised(element: str) -> None:
    assert outcome_of(element, {}) is PolicyOutcome.REVIEW


@pytest.mark.parametrize("element", ["price.list", "price.sale", "price.map"])
def test_no_rule_passes_a_price_for_a_group_or_below_cost(element: str) -> None:
    of_group = value_facts(element, GROUP, minor(1_000, "EUR"), minor(1_001, "EUR"), None)
    below = value_facts(element, "currency=EUR", minor(1_000, "EUR"), minor(999, "EUR"), minor(1_000, "EUR"))
    usual = value_facts(element, "currency=EUR", minor(1_000, "EUR"), minor(1_001, "EUR"), minor(1_000, "EUR"))
    other = value_facts(element, "currency=EUR", minor(1_000, "EUR"), minor(999, "EUR"), minor(1_000, "USD"))
    found = [outcome_of(element, facts) for facts in (of_group, below, usual, other)]
    assert found == [PolicyOutcome.REVIEW, PolicyOutcome.REVIEW, PolicyOutcome.AUTO, PolicyOutcome.AUTO]


@pytest.mark.parametrize("element", ["product.description", "price.list", "custom.claim"])
def test_no_rule_passes_what_the_client_classified_as_regulated(element: str) -> None:
    assert outcome_of(element, {"regulated": 1}) is PolicyOutcome.REVIEW
    assert outcome_of(element, {}) is PolicyOutcome.AUTO


@given(st.integers(min_value=0, max_value=10 * LARGE_ORDER_MINOR))
def test_no_rule_passes_a_large_order(total: int) -> None:
    expected = PolicyOutcome.REVIEW if total >= LARGE_ORDER_MINOR else PolicyOutcome.AUTO
    assert outcome_of("order.document", {"total_minor": total, "currency": "EUR"}) is expected


def test_the_cost_stock_names_and_small_orders_pass() -> None:
    order = value_facts("order.document", "", None, OrderValue("EUR", "Ada", "ada@example.com", ORDER_LINES, "0"), None)
    assert outcome_of("order.document", order) is PolicyOutcome.AUTO
    for element in ("price.cost", "stock.on_hand", "product.name", "order.status", "customer.name"):
        assert outcome_of(element, {"dim_customer_group": "vip"}) is PolicyOutcome.AUTO


@pytest.mark.parametrize("outcome", [PolicyOutcome.REFUSE, PolicyOutcome.REVIEW])
def test_a_stricter_decision_stays_with_its_rule(outcome: PolicyOutcome) -> None:
    decided = Decision(outcome, "own", NO_RULE, 1)
    assert keep_with_people(decided, "policy.terms", {}) is decided


def test_the_reason_is_not_that_of_the_rule_that_would_have_passed_it() -> None:
    kept = keep_with_people(PASSED, "policy.terms", {})
    assert (kept.rule_id, kept.reason.code, kept.policy_version) == ("", "policy.kept_commitment", 1)
