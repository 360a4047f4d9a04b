"""The compiled index gives pycasbin's answers, including the rule that explains them."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.index import compile_rules, decide, may
from policy.oracle import PolicyOracle
from policy.packaged import starter_rules, system_rules
from policy.rules import PolicyOutcome, PolicyRule, RuleKind, role_rule
from tests.policy.strategies import NAMES, TENANTS, Request, facts, requests, rule_sets


@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(rules=rule_sets(), asked=st.lists(requests, min_size=3, max_size=5))
def test_index_and_pycasbin_agree(rules: list[PolicyRule], asked: list[Request]) -> None:
    oracle = PolicyOracle(rules, version=7)
    indexes = {tenant: compile_rules(rules, tenant_id=tenant, version=7) for tenant in TENANTS}
    for request in asked:
        index = indexes[request.tenant_id]
        assert decide(index, request.subjects, request.obj, request.ctx) == oracle.decide(
            request.tenant_id, request.subjects, request.obj, request.ctx
        )
        assert may(index, request.subjects, request.obj, request.act, request.ctx) == oracle.may(
            request.tenant_id, request.subjects, request.obj, request.act, request.ctx
        )


@settings(max_examples=20)
@given(ctx=facts, subject=st.sampled_from(NAMES))
def test_random_policies_reach_every_answer_somewhere(ctx: dict[str, int | str], subject: str) -> None:
    """Prevents the property above from passing on requests that never match: each outcome has its own rule here."""
    rules = [
        PolicyRule(str(i), RuleKind.GOVERNANCE, "*", "t1", f"element.{outcome}", outcome.value)
        for i, outcome in enumerate(PolicyOutcome)
    ]
    oracle = PolicyOracle(rules, version=1)
    index = compile_rules(rules, tenant_id="t1", version=1)
    for outcome in PolicyOutcome:
        answers = {decide(index, subject, f"element.{outcome}", ctx).outcome}
        answers.add(oracle.decide("t1", subject, f"element.{outcome}", ctx).outcome)
        assert answers == {outcome}


def test_role_chains_are_followed_as_deep_as_pycasbin_follows_them() -> None:
    chain = [role_rule(id=f"g{i}", member=f"r{i}", role=f"r{i + 1}", dom="t1") for i in range(14)]
    rules = [*chain, *(PolicyRule(f"p{i}", RuleKind.PERMISSION, f"r{i}", "t1", f"o{i}", "read") for i in range(15))]
    oracle, index = PolicyOracle(rules, version=1), compile_rules(rules, tenant_id="t1", version=1)
    reached = [may(index, "r0", f"o{i}", "read").allowed for i in range(15)]
    assert reached == [oracle.may("t1", "r0", f"o{i}", "read", {}).allowed for i in range(15)]
    assert reached == [True] * 10 + [False] * 5


@settings(max_examples=40)
@given(
    ctx=st.dictionaries(
        st.sampled_from(["new_minor", "cost_minor", "cost_known", "change_bp", "new_quantity"]),
        st.integers(-10, 1000),
    ),
    element=st.sampled_from(["price.list", "stock.on_hand", "price.cost"]),
)
def test_both_engines_agree_on_the_packaged_rules(ctx: dict[str, int | str], element: str) -> None:
    rules = [*starter_rules("t1"), *(rule for rule in system_rules() if rule.sub == "client_viewer")]
    oracle, index = PolicyOracle(rules, version=1), compile_rules(rules, tenant_id="t1", version=1)
    assert decide(index, "erp", element, ctx) == oracle.decide("t1", "erp", element, ctx)


def test_both_engines_agree_on_every_permission() -> None:
    rules = system_rules()
    oracle, index = PolicyOracle(rules, version=0), compile_rules(rules, tenant_id="t1", version=0)
    acts = sorted({(rule.obj, rule.act) for rule in rules if rule.ptype is RuleKind.PERMISSION})
    for role in ("client_viewer", "client_admin", "msp_admin", "partner", "stranger"):
        for obj, act in acts[::3]:
            assert may(index, role, obj, act) == oracle.may("t1", role, obj, act, {})
