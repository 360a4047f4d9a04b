"""One value on several channels: policy passes it on one, sends it for approval on another, refuses it on a third."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from canonical.elements import PRICE
from canonical.keys import ElementKey
from canonical.messages import Observation
from foundation.ids import new_id
from governance.changes.planner import DecisionSnapshot, Plan, plan_changes, strictest_decision
from governance.elements.contracts import Contracts
from governance.elements.rows import Contract, Observed
from governance.records.rows import Channel
from policy.index import compile_rules
from policy.rules import Effect, PolicyOutcome, PolicyRule, RuleKind
from tests.support.values import minor

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
TENANT, ERP = "t", UUID(int=1)
BERLIN = Channel(UUID(int=2), None, "Berlin", jurisdiction="DE")
BOSTON = Channel(UUID(int=3), None, "Boston", jurisdiction="US-MA")
OUTLET = Channel(UUID(int=4), None, "Outlet", jurisdiction="DE")
KEY = ElementKey("A", PRICE)


def rule(name: str, act: str, condition: str) -> PolicyRule:
    return PolicyRule(
        ptype=RuleKind.GOVERNANCE, id=name, sub="source", dom=TENANT, obj=PRICE, act=act, effect=Effect.ALLOW,
        condition=condition, description=f"Rule {name}.",
    )  # fmt: skip


RULES = [
    rule("outlet", "refuse", "r.ctx.channel == 'Outlet'"),
    rule("us", "review", "r.ctx.jurisdiction == 'US-MA' and r.ctx.change_bp > 200"),
    rule("small", "auto", "r.ctx.change_bp <= 500"),
]


def snapshot(*channels: Channel, rules: list[PolicyRule] = RULES) -> DecisionSnapshot:
    return DecisionSnapshot(
        contracts=Contracts([Contract(PRICE, ERP, 30_000, 60_000, 3600)]), values={},
        index=compile_rules(rules, tenant_id=TENANT, version=1), channels=channels, now=NOW, new_id=new_id,
    )  # fmt: skip


def observe(made: DecisionSnapshot, amount: int, version: int) -> Plan:
    seen = Observation("A", PRICE, minor(amount), version, NOW - timedelta(seconds=1))
    return plan_changes([Observed(seen, ERP, new_id(), "c")], made)


def start(made: DecisionSnapshot, amount: int) -> None:
    """An approved value that every channel has."""
    plan = observe(made, amount, 1)
    row = plan.values[KEY]
    row.value, row.version = minor(amount), 1
    made.released.update({(channel.connection_id, KEY): minor(amount) for channel in made.channels})


def test_each_channel_has_its_own_decision() -> None:
    made = snapshot(BERLIN, BOSTON, OUTLET)
    start(made, 1_000)
    plan = observe(made, 1_030, 2)
    assert [(change.state, change.targets) for change in plan.changes] == [
        ("released", [BERLIN.connection_id]),
        ("awaiting_approval", [BOSTON.connection_id]),
        ("refused", [OUTLET.connection_id]),
    ]
    assert [each.connection_id for each in plan.propagations] == [BERLIN.connection_id]
    assert made.values[KEY].value == minor(1_030)
    assert plan.reviews_requested[KEY].targets == [BOSTON.connection_id]
    assert [(each.code, each.channels) for each in plan.exceptions] == [("change.refused", 1)]
    assert KEY not in plan.resolved_keys, "the refusal that this plan opens stays open"


def test_channels_that_agree_share_one_change_for_every_channel() -> None:
    made = snapshot(BERLIN, BOSTON)
    start(made, 1_000)
    (change,) = observe(made, 1_010, 2).changes
    assert (change.state, change.targets) == ("released", None)


def test_the_same_value_is_not_sent_for_approval_twice() -> None:
    made = snapshot(BERLIN, BOSTON)
    start(made, 1_000)
    observe(made, 1_030, 2)
    again = observe(made, 1_030, 3)
    assert (again.changes, again.propagations) == ([], [])


def test_small_steps_approved_elsewhere_are_added_up() -> None:
    """Boston still has 10.00 while 10.30 needs approval there, so 10.40 is compared with 10.00, not with 10.30."""
    made = snapshot(BERLIN, BOSTON)
    start(made, 1_000)
    observe(made, 1_030, 2)
    plan = observe(made, 1_040, 3)
    assert [(change.state, change.targets) for change in plan.changes] == [
        ("released", [BERLIN.connection_id]),
        ("awaiting_approval", [BOSTON.connection_id]),
    ]
    assert plan.changes[1].old_value == minor(1_000)


def test_an_open_change_is_decided_again_with_its_channels_values() -> None:
    made = snapshot(BERLIN, BOSTON)
    start(made, 1_000)
    (_, asked) = observe(made, 1_030, 2).changes
    assert strictest_decision(asked, made.values[KEY], made).outcome is PolicyOutcome.REVIEW
    without = snapshot(BERLIN, BOSTON, rules=RULES[2:])
    without.values.update(made.values)
    assert strictest_decision(asked, made.values[KEY], without).outcome is PolicyOutcome.AUTO


def test_an_unknown_jurisdiction_gets_the_strictest_decision() -> None:
    made = snapshot(BERLIN, Channel(UUID(int=5), None, "Somewhere"))
    start(made, 1_000)
    assert [change.state for change in observe(made, 1_030, 2).changes] == ["released", "awaiting_approval"]


@given(st.lists(st.integers(900, 1_100), min_size=1, max_size=8))
def test_no_channel_gets_a_value_that_its_own_rules_do_not_pass(amounts: list[int]) -> None:
    made = snapshot(BERLIN, BOSTON, OUTLET)
    start(made, 1_000)
    has = {channel.connection_id: 1_000 for channel in made.channels}
    for version, amount in enumerate(amounts, 2):
        for sent in observe(made, amount, version).propagations:
            before, has[sent.connection_id] = has[sent.connection_id], amount
            assert abs(amount - before) * 10_000 <= 500 * before
            assert sent.connection_id != OUTLET.connection_id
            if sent.connection_id == BOSTON.connection_id:
                assert abs(amount - before) * 10_000 <= 200 * before
