"""A client's policy and its MSP's: inherited rules, rules in their place, and omitted ones."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from policy.index import compile_rules, decide
from policy.inheritance import as_inherited, inherit, inherited_rule, omit, restored
from policy.rules import PolicyOutcome, PolicyRule, RuleKind, rule_fields, rule_from


def rule(rule_id: str, condition: str = "", *, act: str = "review", locked: bool = False) -> PolicyRule:
    return PolicyRule(rule_id, RuleKind.GOVERNANCE, "*", "", "price.list", act, condition, locked=locked)


def by_id(rules: list[PolicyRule]) -> dict[str, PolicyRule]:
    return {one.id: one for one in rules}


def test_a_client_without_rules_has_its_msps_governance_rules() -> None:
    staff = PolicyRule("staff", RuleKind.PERMISSION, "helper", "", "fleet", "read")
    assert inherit([], [rule("a"), staff]) == [as_inherited(rule("a"))]


def test_changes_and_removals_of_the_msp_apply_to_the_client() -> None:
    first = inherit([rule("own")], [rule("a"), rule("b")])
    second = by_id(inherit(first, [rule("a", "r.ctx.new_minor > 1")]))
    assert second == {"own": rule("own"), "a": as_inherited(rule("a", "r.ctx.new_minor > 1"))}


def test_a_rule_that_replaces_the_msps_remains_and_stores_the_newest_one() -> None:
    own = replace(rule("a", act="auto"), overrides=as_inherited(rule("a")))
    [kept] = inherit([own], [rule("a", "r.ctx.new_minor > 9")])
    assert (kept.act, kept.inherited) == ("auto", False)
    assert inherited_rule(kept) == as_inherited(rule("a", "r.ctx.new_minor > 9"))
    assert inherit([kept], []) == [replace(kept, overrides=None)]


def test_a_locked_rule_replaces_the_clients_own_and_cannot_be_omitted() -> None:
    own = replace(rule("a", act="auto"), overrides=as_inherited(rule("a")))
    for known in (own, omit(as_inherited(rule("a")))):
        assert inherit([known], [rule("a", locked=True)]) == [as_inherited(rule("a", locked=True))]


def test_an_omitted_rule_decides_nothing_and_ends_with_the_msps() -> None:
    omitted = omit(as_inherited(rule("a", act="refuse")))
    [kept] = inherit([omitted], [rule("a", act="refuse")])
    index = compile_rules(
        [replace(kept, dom="t1"), replace(rule("b", act="auto"), dom="t1")], tenant_id="t1", version=1
    )
    assert decide(index, "erp", "price.list", {}).outcome is PolicyOutcome.AUTO
    assert inherit([kept], []) == []


def test_an_earlier_rule_is_restored_in_place_of_what_the_msp_has_now() -> None:
    old, now = as_inherited(rule("a")), as_inherited(rule("a", "r.ctx.new_minor > 9"))
    assert restored(old, now) == replace(rule("a"), overrides=now)
    assert restored(now, now) == now
    assert restored(None, now) == omit(now)
    assert restored(old, as_inherited(rule("a", locked=True))) == as_inherited(rule("a", locked=True))
    assert restored(old, None) == rule("a")
    assert restored(omit(old), None) is None


RULES = st.builds(rule, st.sampled_from("abcdef"), st.sampled_from(["", "r.ctx.new_minor > 1"]), locked=st.booleans())
SETS = st.lists(RULES, max_size=6, unique_by=lambda one: one.id)
OWN = st.one_of(RULES, RULES.map(as_inherited), RULES.map(lambda one: omit(as_inherited(one))))


@given(st.lists(OWN, max_size=6, unique_by=lambda one: one.id), SETS)
def test_inheriting_twice_changes_nothing_and_every_rule_of_the_msp_is_accounted_for(
    known: list[PolicyRule], of_msp: list[PolicyRule]
) -> None:
    once = inherit(known, of_msp)
    assert inherit(once, of_msp) == once
    for base in of_msp:
        found = by_id(once)[base.id]
        assert inherited_rule(found) == as_inherited(base)
        assert found.inherited or not base.locked
    assert all(rule_from(one.id, rule_fields(one)) == replace(one, dom="") for one in once)
