"""Facts that a decision compared, and the last value that would have passed by itself."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.elements import PRICE
from canonical.values import Value, type_of
from governance.approvals.boundaries import ComparedValues, last_passing, list_boundaries
from governance.approvals.facts import DecisionFacts, compare_facts
from governance.records.rows import Channel
from policy.facts import value_facts
from policy.index import compile_rules, decide
from policy.rule_form import GovernedElement, RuleForm, RuleOutcome, build_rule
from policy.rules import PolicyOutcome, PolicyRule
from policy.terms import Membership, Term, TermComparison, TermKind
from tests.support.values import minor

ACCOUNT = "a"
ELEMENT = GovernedElement(PRICE, "List price", "money")
EUROS = Term(TermKind.CURRENCY, Membership.ANY_OF, ("EUR",))
SHOP = Channel(UUID(int=1), None, "Shop", kind="sandbox-shop", jurisdiction="DE")
MARKET = Channel(UUID(int=2), None, "Market", kind="sandbox-market")


def rule(*terms: Term, outcome: RuleOutcome = RuleOutcome.REVIEW) -> PolicyRule:
    built = build_rule(RuleForm(element=PRICE, outcome=outcome, terms=terms), ELEMENT, rule_id=str(terms) + outcome)
    return replace(built, dom=ACCOUNT)


def size(kind: TermKind, comparison: TermComparison, number: str) -> Term:
    return Term(kind, comparison, (number,))


def facts_of(
    asked: PolicyRule | None, *, old: Value | None, new: Value, cost: Value | None = None
) -> dict[str, tuple[str, str]]:
    facts = value_facts(PRICE, "", old, new, cost) | {"hour": 18, "weekday": "monday"}
    found = compare_facts(DecisionFacts(facts, old, new, cost, (SHOP, MARKET)), asked)
    return {one.label: (one.value, one.threshold) for one in found}


def test_each_fact_stands_beside_the_threshold_of_the_rule() -> None:
    asked = rule(
        size(TermKind.CHANGE_PERCENT, TermComparison.MORE_THAN, "5"), Term(TermKind.DIRECTION, values=("up",)), EUROS,
        Term(TermKind.JURISDICTION, Membership.ANY_OF, ("DE", "AT")),
        size(TermKind.HOUR, TermComparison.AT_LEAST, "17"),
    )  # fmt: skip
    found = facts_of(asked, old=minor(10_000, "EUR"), new=minor(12_050, "EUR"), cost=minor(6_025, "EUR"))
    assert found == {
        "Change in percent": ("20.5%", "up by more than 5%"),
        "Direction": ("up", "any rise"),
        "Currency": ("EUR", "in the currency EUR"),
        "Jurisdiction": ("DE", "in DE, AT"),
        "Hour of the day": ("18:00", "from 17:00"),
        "Change within the month, in percent": ("20.5%", ""),
        "Change in amount": ("€20.50", ""),
        "New value": ("€120.50", ""),
        "Cost": ("€60.25", ""),
        "Margin": ("50.0%", ""),
        "Channel": ("Shop, Market", ""),
        "Kind of channel": ("sandbox-shop, sandbox-market", ""),
        "Day of the week": ("Monday", ""),
    }


def test_a_fact_that_the_rule_needs_and_nobody_knows_is_named() -> None:
    asked = rule(size(TermKind.CHANGE_PERCENT, TermComparison.MORE_THAN, "5"), Term(TermKind.BELOW_COST))
    found = facts_of(asked, old=None, new=minor(12_000, "EUR"))
    assert found["Change in percent"] == ("not known", "a change of more than 5%")
    assert found["Cost"] == ("not known", "below cost")
    assert "Direction" not in found


def test_a_handwritten_condition_is_the_threshold_as_it_is() -> None:
    asked = replace(rule(EUROS), condition="r.ctx.change_bp > 500 or r.ctx.hour < 8")
    found = facts_of(asked, old=minor(10_000, "EUR"), new=minor(12_000, "EUR"))
    assert found["Condition"][1] == "r.ctx.change_bp > 500 or r.ctx.hour < 8"


def test_without_a_rule_nothing_is_compared() -> None:
    found = facts_of(None, old=minor(10_000, "EUR"), new=minor(12_000, "EUR"))
    assert found["Change in percent"] == ("20%", "")
    assert all(not threshold for _, threshold in found.values())


SIZES = {
    TermKind.CHANGE_PERCENT: ("5", "12.5", "0"), TermKind.MONTH_PERCENT: ("5", "33"),
    TermKind.CHANGE_AMOUNT: ("0.2", "1.01"), TermKind.NEW_VALUE: ("1", "2.5", "0.07"),
}  # fmt: skip
TERMS = st.sampled_from([
    *(size(kind, one, number) for kind, numbers in SIZES.items() for one in TermComparison for number in numbers),
    *(Term(TermKind.MARGIN_BELOW, values=(number,)) for number in ("0", "20", "33.3")),
    Term(TermKind.BELOW_COST), Term(TermKind.DIRECTION, values=("up",)),
])  # fmt: skip
OUTCOMES = st.sampled_from([RuleOutcome.AUTO, RuleOutcome.REVIEW, RuleOutcome.REFUSE])
RULES = st.lists(
    st.builds(lambda terms, outcome: rule(*terms, EUROS, outcome=outcome), st.lists(TERMS, max_size=2), OUTCOMES),
    max_size=4,
)
CENTS = st.integers(1, 400)


@given(rules=RULES, old=CENTS, new=CENTS, month=CENTS, cost=st.none() | CENTS)
def test_the_last_passing_boundary_is_the_last_passing_value(
    rules: list[PolicyRule], old: int, new: int, month: int, cost: int | None
) -> None:
    """Compared with a decision about every single value on the way."""
    index = compile_rules(rules, tenant_id=ACCOUNT, version=1)
    known = ComparedValues(
        minor(old, "EUR"), minor(new, "EUR"), minor(month, "EUR"), None if cost is None else minor(cost, "EUR")
    )

    def passes(value: Value) -> bool:
        facts = value_facts(PRICE, "", known.old, value, known.cost, known.month)
        return decide(index, "source", PRICE, facts).outcome is PolicyOutcome.AUTO

    step = 1 if new > old else -1
    way = [minor(one, "EUR") for one in range(old + step, new, step)]
    every, found = last_passing(way, passes), last_passing(list_boundaries(known, rules), passes)
    if way and every == way[-1]:
        assert found is None or found in way
    else:
        assert found == every


@pytest.mark.parametrize("old", [None, minor(100, "USD"), minor(200, "EUR")])
def test_without_a_comparable_other_value_there_is_no_boundary(old: Value | None) -> None:
    asked = [rule(size(TermKind.CHANGE_PERCENT, TermComparison.MORE_THAN, "5"), EUROS)]
    assert list_boundaries(ComparedValues(old, minor(200, "EUR")), asked) == []
    assert type_of(minor(200, "EUR")) == "money"
