"""Rules as forms: a form is read back from its condition, and both have the meaning of the sentence."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replace_form

from canonical.elements import ELEMENTS, PRICE, STOCK
from canonical.values import minor_money, quantity
from policy.errors import InvalidRule
from policy.facts import proposer_facts, value_facts
from policy.index import compile_rules, decide
from policy.oracle import PolicyOracle
from policy.packaged import starter_rules
from policy.rule_form import (
    GovernedElement,
    RuleForm,
    RuleOrigin,
    RuleOutcome,
    build_rule,
    proposer_roles_of,
    read_form,
)
from policy.rules import PolicyOutcome, PolicyRule, RuleKind
from policy.term_messages import describe_terms
from policy.terms import (
    PERCENT_KINDS,
    TEXT_KINDS,
    Direction,
    Membership,
    Term,
    TermComparison,
    TermKind,
    kinds_of,
    read_terms,
)
from policy.time_facts import WEEKDAYS, time_facts

_PRICE, _STOCK = (
    GovernedElement(each.code, each.label, each.value_type, each.dimensions)
    for each in (ELEMENTS[PRICE], ELEMENTS[STOCK])
)
_words = st.lists(st.sampled_from(["EU", "US-CA", "Web shop", "retail", "de_DE"]), min_size=1, max_size=3, unique=True)
_roles = st.lists(st.sampled_from(["client_finance", "role_7f", "msp_admin"]), min_size=1, max_size=3, unique=True)
_AT = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)
"""Half past midnight on Monday in Berlin, where summer time began on that Sunday."""
_compared = st.sampled_from(TermComparison)
_decisions = st.sampled_from([one for one in RuleOutcome if one is not RuleOutcome.SHOW])


def number(digits: int) -> st.SearchStrategy[str]:
    return st.integers(0, 10_000).map(lambda n: f"{n // 10**digits}.{n % 10**digits:0{digits}}".rstrip("0").rstrip("."))


@st.composite
def forms(draw: st.DrawFn) -> tuple[GovernedElement, RuleForm]:
    element = draw(st.sampled_from([_PRICE, _STOCK]))
    kinds = draw(
        st.lists(st.sampled_from(sorted(kinds_of(element.value_type, element.dimensions))), max_size=5, unique=True)
    )
    amounts = bool({TermKind.NEW_VALUE, TermKind.CHANGE_AMOUNT} & set(kinds)) and element is _PRICE
    of_time = {TermKind.HOUR, TermKind.WEEKDAY}
    terms = [draw(time_term(kind) if kind in of_time else term(kind, element, amounts=amounts)) for kind in kinds]
    if amounts and TermKind.CURRENCY not in kinds:
        terms.append(Term(TermKind.CURRENCY, Membership.ANY_OF, ("EUR",)))
    return element, RuleForm(
        element=element.code, outcome=draw(_decisions), origin=draw(st.sampled_from(RuleOrigin)),
        terms=tuple(terms), reason=draw(st.sampled_from(["", "Because"])),
    )  # fmt: skip


def time_term(kind: str) -> st.SearchStrategy[Term]:
    if kind == TermKind.HOUR:
        return st.builds(Term, st.just(kind), _compared, st.integers(0, 24).map(lambda one: (str(one),)))
    days = st.sets(st.sampled_from(WEEKDAYS), min_size=1).map(lambda some: tuple(d for d in WEEKDAYS if d in some))
    return st.builds(Term, st.just(kind), st.sampled_from(Membership), days)


def term(kind: str, element: GovernedElement, *, amounts: bool) -> st.SearchStrategy[Term]:
    if kind == TermKind.CURRENCY and amounts:
        return st.just(Term(kind, Membership.ANY_OF, ("EUR",)))
    if kind in {*TEXT_KINDS, TermKind.PROPOSER_ROLE}:
        words = _words if kind in TEXT_KINDS else _roles
        return st.builds(Term, st.just(kind), st.sampled_from(Membership), words.map(tuple))
    if kind == TermKind.DIRECTION:
        return st.builds(Term, st.just(kind), values=st.sampled_from(Direction).map(lambda one: (one.value,)))
    if kind == TermKind.MARGIN_BELOW:
        return st.builds(Term, st.just(kind), values=st.integers(0, 100).map(lambda n: (str(n),)))
    if kind in {*PERCENT_KINDS, TermKind.CHANGE_AMOUNT, TermKind.NEW_VALUE}:
        digits = 0 if element is _STOCK else 2
        numbers = st.integers(0, 10_000).map(str) if digits == 0 else number(digits)
        return st.builds(Term, st.just(kind), _compared, numbers.map(lambda one: (one,)))
    return st.just(Term(kind))


@given(made=forms())
def test_a_form_is_read_back_from_its_rule(made: tuple[GovernedElement, RuleForm]) -> None:
    element, form = made
    rule = build_rule(form, element, rule_id="r")
    assert read_form(rule, element.value_type) == form
    compile_rules([replace(rule, dom="t")], tenant_id="t", version=1)
    terms = describe_terms(form.terms, element.value_type)
    assert bool(terms) == bool(form.terms)


@given(
    made=forms(),
    old=st.integers(1, 20_000),
    new=st.integers(0, 20_000),
    cost=st.integers(0, 20_000) | st.none(),
    held=_roles,
)
def test_a_form_decides_as_pycasbin_does(
    made: tuple[GovernedElement, RuleForm], old: int, new: int, cost: int | None, held: list[str]
) -> None:
    element, form = made
    rule = build_rule(form, element, rule_id="r")
    facts = value_facts(
        PRICE, "", minor_money(old, "EUR"), minor_money(new, "EUR"), None if cost is None else minor_money(cost, "EUR")
    )
    facts |= {"channel": "Web shop", "jurisdiction": "EU"} | time_facts(_AT, UTC)
    facts |= proposer_facts([f"by_{role}" for role in proposer_roles_of(rule)], held)
    rules = [replace(rule, dom="t", obj=PRICE)]
    index, oracle = compile_rules(rules, tenant_id="t", version=1), PolicyOracle(rules, version=1)
    assert decide(index, "source", PRICE, facts) == oracle.decide("t", "source", PRICE, facts)


def test_a_rule_that_shows_values_is_a_form_and_decides_nothing() -> None:
    form = RuleForm(element=PRICE, outcome=RuleOutcome.SHOW, role="client_finance")
    rule = build_rule(form, _PRICE, rule_id="r")
    assert read_form(rule, "money") == form
    index = compile_rules([replace(rule, dom="t")], tenant_id="t", version=1)
    assert decide(index, "client_finance", PRICE, {}).rule_id == ""
    with pytest.raises(InvalidRule):
        build_rule(replace_form(form, role=""), _PRICE, rule_id="r")
    with pytest.raises(InvalidRule):
        build_rule(replace_form(form, approvals=2), _PRICE, rule_id="r")


def test_every_starter_rule_is_a_form() -> None:
    rules = starter_rules("t")
    assert all(read_form(rule, ELEMENTS[rule.obj].value_type) is not None for rule in rules)


def test_up_by_more_than_five_percent_in_the_eu_needs_approval() -> None:
    form = RuleForm(
        element=PRICE, outcome=RuleOutcome.REVIEW,
        terms=(
            Term(TermKind.DIRECTION, values=("up",)), Term(TermKind.CHANGE_PERCENT, "more_than", ("5",)),
            Term(TermKind.JURISDICTION, "any_of", ("EU",)),
        ),
    )  # fmt: skip
    rule = build_rule(form, _PRICE, rule_id="r")
    passes = PolicyRule("auto", RuleKind.GOVERNANCE, "*", "t", PRICE, "auto")
    index = compile_rules([replace(rule, dom="t"), passes], tenant_id="t", version=1)

    def outcome(new: int, where: str) -> PolicyOutcome:
        facts = value_facts(PRICE, "", minor_money(10_000, "EUR"), minor_money(new, "EUR"), None)
        return decide(index, "source", PRICE, facts | {"jurisdiction": where}).outcome

    assert outcome(10_501, "EU") is PolicyOutcome.REVIEW
    assert [outcome(10_500, "EU"), outcome(9_000, "EU"), outcome(10_501, "US")] == [PolicyOutcome.AUTO] * 3


def test_a_rule_for_roles_of_proposers_sees_all_that_they_have() -> None:
    assert [_by_role("any_of", held) for held in (["support"], ["a", "client_finance"], ["b"], [])] == [
        False, True, False, False,
    ]  # fmt: skip
    assert [_by_role("none_of", held) for held in (["support"], ["a", "client_finance"], [])] == [True, False, True]


def _by_role(comparison: str, held: list[str]) -> bool:
    """Whether a rule for the roles of finance and of administrators applies to a proposer."""
    term = Term(TermKind.PROPOSER_ROLE, comparison, ("client_finance", "client_admin"))
    form = RuleForm(element=PRICE, outcome=RuleOutcome.REFUSE, terms=(term,))
    rule = replace(build_rule(form, _PRICE, rule_id="r"), dom="t")
    assert read_form(rule, "money") == form
    index = compile_rules([rule], tenant_id="t", version=1)
    facts = proposer_facts(index.facts[PRICE], held)
    return decide(index, "proposal", PRICE, facts).outcome is PolicyOutcome.REFUSE


def test_the_time_is_that_of_the_clients_clocks() -> None:
    assert time_facts(_AT, UTC) == {"hour": 22, "weekday": "sunday"}
    assert time_facts(_AT, ZoneInfo("Europe/Berlin")) == {"hour": 0, "weekday": "monday"}
    weekend = Term(TermKind.WEEKDAY, "any_of", ("sunday", "saturday"))
    terms = (Term(TermKind.HOUR, "more_than", ("17",)), Term(TermKind.HOUR, "at_most", ("21",)), weekend)
    described = [(one.code, one.params) for one in describe_terms(terms, "money")]
    assert described[:2] == [("rule.from_hour", {"hour": 18}), ("rule.before_hour", {"hour": 22})]
    assert [day["code"] for day in described[2][1]["names"]] == ["rule.sunday", "rule.saturday"]


def test_a_rule_without_a_reason_shows_its_conditions() -> None:
    form = RuleForm(element=STOCK, outcome=RuleOutcome.REVIEW, terms=(Term(TermKind.NEW_VALUE, "less_than", ("5",)),))
    rule = replace(build_rule(form, _STOCK, rule_id="r"), dom="t")
    index = compile_rules([rule], tenant_id="t", version=1)
    reason = decide(index, "source", STOCK, value_facts(STOCK, "", None, quantity(2), None)).reason
    assert reason.code == "policy.rule_applies"
    assert reason.params["element"] == STOCK


@pytest.mark.parametrize(
    "condition",
    [
        "r.ctx.change_bp > 5 or r.ctx.cost_known == 0", "not r.ctx.cost_known == 0", "r.ctx.new_minor > 999",
        "r.ctx.new_minor * 2 < r.ctx.cost_minor", "r.ctx.currency == 'XYZ' and r.ctx.new_minor > 5",
        "r.ctx.channel in (1, 2)", "1 < 2",
    ],
)  # fmt: skip
def test_a_condition_beyond_the_form_has_no_terms(condition: str) -> None:
    assert read_terms(condition, "money") is None


@pytest.mark.parametrize(
    "term",
    [
        Term(TermKind.CHANGE_PERCENT, "more_than", ("five",)), Term(TermKind.CHANGE_PERCENT, "more_than", ("-1",)),
        Term(TermKind.CHANGE_PERCENT, "", ("5",)), Term(TermKind.CHANGE_PERCENT, "more_than", ("0.001",)),
        Term(TermKind.CHANGE_PERCENT, "more_than", ("1e20",)), Term(TermKind.DIRECTION, values=("sideways",)),
        Term(TermKind.NEW_VALUE, "more_than", ("5",)), Term(TermKind.MARGIN_BELOW, values=("101",)),
        Term(TermKind.CHANNEL, "any_of", ()), Term(TermKind.CHANNEL, "any_of", ("it's",)),
        Term(TermKind.HOUR, "at_least", ("25",)), Term(TermKind.HOUR, "at_least", ("8.5",)),
        Term(TermKind.WEEKDAY, "any_of", ("someday",)), Term(TermKind.HOUR, "any_of", ("8",)),
        Term(TermKind.PROPOSER_ROLE, "any_of", ()), Term(TermKind.PROPOSER_ROLE, "any_of", ("it's",)),
        Term(TermKind.PROPOSER_ROLE, "more_than", ("a",)),
        Term(TermKind.CHANNEL, "more_than", ("a",)), Term("phase_of_the_moon", "any_of", ("full",)),
    ],
)  # fmt: skip
def test_an_incomplete_term_is_refused(term: Term) -> None:
    with pytest.raises(InvalidRule):
        build_rule(RuleForm(element=PRICE, outcome=RuleOutcome.AUTO, terms=(term,)), _PRICE, rule_id="r")
