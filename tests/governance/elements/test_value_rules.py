"""Validation rules of contracts: refusals in linear time, and the handling of refused values."""

import re
from time import process_time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from canonical.elements import PRICE
from canonical.values import MAX_TEXT, EnumerationValue, ListValue, TextValue, Value, money, quantity
from foundation.clock import utc_now
from foundation.errors import InvalidInput
from governance.changes.propose import propose_change
from governance.changes.replay import replay_exception
from governance.connections.lists import CONTRACTS
from governance.elements.publish_contract import publish_new_contract
from governance.elements.rules_form import read_rule_options, read_rules, write_rules
from governance.elements.schemas import NewContract
from governance.elements.value_pattern import PatternRefused, check_pattern, matches
from governance.elements.value_rules import NO_RULES, ValueRules, check_rules, find_rule_trouble
from governance.exceptions.lifecycle import get_exception
from governance.exceptions.models import GovernanceException
from tests.governance.changes.test_propose import set_here
from tests.governance.test_main_job import seed
from tests.support.client_env import ClientEnv
from tests.support.values import at, minor

_PARTS = st.sampled_from(
    ["a", "[ab]", "[^a]", ".", r"\d", "b{2}", "a{1,3}", "a*", "[ab]+", "b?", "a{2,}", r"\.", "(a|b1)"]
)


@given(pattern=st.lists(_PARTS, min_size=1, max_size=6).map("".join), text=st.text("ab1.", max_size=9))
def test_a_pattern_matches_as_a_regular_expression_does(pattern: str, text: str) -> None:
    assert matches(pattern, text) is (re.fullmatch(pattern, text, re.ASCII | re.DOTALL) is not None)


def test_a_pattern_that_backtracking_cannot_end_is_matched_in_linear_time() -> None:
    assert not matches("(a*)*" * 30 + "b", "a" * 5_000)


def test_the_steps_of_a_pattern_do_not_multiply_the_time() -> None:
    begun = process_time()
    assert matches(".*" + ".{0,198}", "a" * MAX_TEXT)  # 20 s if each step took its own time
    assert process_time() - begun < 4


@pytest.mark.parametrize("most", ["9" * 5_000, "9" * 30, "-1", "1.5"])
def test_a_length_that_is_no_number_of_characters_is_refused(most: str) -> None:
    with pytest.raises(InvalidInput):
        read_rules({"has_rules": "on", "max_length": most})


@pytest.mark.parametrize(
    "pattern",
    ["(a", "a)", "*a", "[", "[z-a]", "a{1001}", "a{3,1}", "", "a" * 201, r"(a)\1", "(?=a)", "((a{99}){99}){9}"],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(PatternRefused):
        check_pattern(pattern)


@pytest.mark.parametrize(("rules", "kept", "broken"), [
    (ValueRules(minimum="0.5"), money("0.5", "EUR"), money("0.49", "EUR")),
    (ValueRules(maximum="10"), quantity(10), quantity(11)),
    (ValueRules(pattern=r"[A-Z]{2}-\d+"), TextValue("AB-1"), TextValue("AB-1x")),
    (ValueRules(max_length=3), TextValue("abc"), TextValue("abcd")),
    (ValueRules(codes=("S", "M")), EnumerationValue("M"), EnumerationValue("L")),
    (ValueRules(codes=("S", "M")), ListValue((TextValue("S"),)), ListValue((TextValue("S"), TextValue("L")))),
    (ValueRules(required=True), TextValue("x"), TextValue("  ")),
    (ValueRules(required=True), ListValue((TextValue("x"),)), ListValue(())),
])  # fmt: skip
def test_a_value_keeps_its_rules(rules: ValueRules, kept: Value, broken: Value) -> None:
    assert not find_rule_trouble(kept, rules, 3)
    assert "version 3" in find_rule_trouble(broken, rules, 3)
    assert not find_rule_trouble(broken, NO_RULES, 3)
    assert read_rules({**write_rules(rules), "has_rules": "on"}) == rules


@pytest.mark.parametrize(("rules", "value_type"), [
    (ValueRules(minimum="5"), "text"), (ValueRules(pattern="a"), "money"), (ValueRules(minimum="x"), "money"),
    (ValueRules(minimum="2", maximum="1"), "money"), (ValueRules(pattern="("), "text"),
])  # fmt: skip
def test_rules_that_no_value_could_keep_are_refused(rules: ValueRules, value_type: str) -> None:
    with pytest.raises(InvalidInput):
        check_rules(rules, value_type)


def test_options_of_the_command() -> None:
    assert read_rule_options(()) is None
    assert read_rule_options(("none",)) == NO_RULES
    assert read_rule_options(("minimum=1", "required", "codes=A,B")) == ValueRules("1", codes=("A", "B"), required=True)
    with pytest.raises(InvalidInput):
        read_rule_options(("colour=red",))


async def publish(env: ClientEnv, rules: ValueRules | None) -> int:
    async with env.services.db.transaction(env.scope) as session:
        new = NewContract(element=PRICE, source_connection_id=env.erp, owner="Pricing", rules=rules)
        registry = env.services.governance.runtime.registry
        return (await publish_new_contract(session, registry, new, now=utc_now())).version


async def test_a_value_that_breaks_a_rule_is_quarantined_and_replayed_after_the_rule_changed(
    env: ClientEnv, other_env: ClientEnv
) -> None:
    await seed(env)
    await seed(other_env)
    version = await publish(env, ValueRules(maximum="101"))
    for each in (env, other_env):
        await each.deliver(each.change("SKU-001", PRICE, 10_200))
        await each.work(settle=0.5)
    newest = "SELECT minor(new_value) FROM change WHERE element = 'price.list' ORDER BY id DESC LIMIT 1"
    assert await env.rows(newest) == [(10_000,)]
    assert await other_env.rows(newest) == [(10_200,)]
    [(exception_id, event_id)] = await env.rows(
        "SELECT id, source_event_id FROM governance_exception WHERE code = 'source.quarantined' AND state = 'open'"
    )
    assert event_id is not None
    opened = UUID(str(exception_id))
    async with env.services.db.transaction(env.scope) as session:
        found: GovernanceException = await get_exception(session, opened)
        assert found.params["reason"]["params"]["reason"]["params"] == {"limit": "101", "version": version}
        [contract] = [one for one in await CONTRACTS.load_most(session, utc_now()) if one.element == PRICE]
        assert (contract.rules, contract.version) == (ValueRules(maximum="101"), version)
    assert await publish(env, None) == version + 1  # the rules stay
    await publish(env, ValueRules(maximum="103"))
    async with env.services.db.transaction(env.scope) as session:
        await replay_exception(session, opened, now=utc_now())
    await env.work(settle=0.5)
    assert await env.rows(newest) == [(10_200,)]


async def test_a_proposal_that_breaks_a_rule_is_refused(env: ClientEnv) -> None:
    await seed(env)
    await set_here(env)
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text('UPDATE element_contract SET value_rules = \'{"maximum": "101"}\''))
        with pytest.raises(InvalidInput, match="101"):
            await propose_change(session, env.services.governance, key=at("SKU-001", PRICE), value=minor(10_200))
