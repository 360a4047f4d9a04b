"""Policy decisions: the compiled index compared with pycasbin's Enforcer and FastEnforcer over the same rules.

The index evaluates an ABAC condition and returns a reason. The enforcers get a plain RBAC request first (without
condition and reason, which favours them), then, in a further row, our own model with its conditions. All rules belong
to one tenant. Requests use at most 200 rules chosen at random, because a tenant's batch of changes concerns few
elements; with 2,000, the processor's cache misses dominate (about twice the time at 10,000 rules). Figures are medians
of batches.
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import casbin
from casbin.model import FastModel
from casbin.persist import Adapter

from policy.index import compile_rules, decide
from policy.oracle import build_enforcer
from policy.rules import PolicyOutcome, PolicyRule, RuleKind, role_rule
from tests.benchmarks.table import NO_AIM, Aim, Row, at_most

TENANT = "t1"
ROLES = 20
SIZES = (10, 1_000, 10_000)
AIMS = {("Enforcer", 10_000): 1_000} | {("FastEnforcer", size): 5 for size in SIZES}  # how many times faster
FACTS = {"change_bp": 120, "new_minor": 1050, "cost_minor": 800}
PLAIN_MODEL = """
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, dom, obj, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.dom == p.dom && r.obj == p.obj && r.act == p.act && g(r.sub, p.sub, r.dom)
"""
Request = tuple[str, str]


class _Plain(Adapter):  # type: ignore[misc] # casbin ships no types
    def __init__(self, rules: Sequence[PolicyRule]) -> None:
        self._rules = rules

    def load_policy(self, model: Any) -> None:
        for rule in self._rules:
            if rule.ptype is RuleKind.ROLE:
                model.model["g"]["g"].policy.append([rule.sub, rule.obj, rule.dom])
            else:
                model.model["p"]["p"].policy.append([rule.sub, rule.dom, rule.obj, rule.act])


def make_rules(count: int) -> list[PolicyRule]:
    """`count` governance rules, each of an element of its own, and one user in every role."""
    lines = [
        PolicyRule(
            id=f"rule-{n}",
            ptype=RuleKind.GOVERNANCE,
            sub=f"role-{n % ROLES}",
            dom=TENANT,
            obj=f"element-{n}",
            act=PolicyOutcome.AUTO,
            condition=f"r.ctx.change_bp <= {300 + n % 400} and r.ctx.new_minor >= r.ctx.cost_minor",
            description="The price changes by 5 % or less.",
        )
        for n in range(count)
    ]
    return [*lines, *(role_rule(id=f"g{n}", member=f"user-{n}", role=f"role-{n}", dom=TENANT) for n in range(ROLES))]


def median_us(ask: Callable[[Request], object], requests: Sequence[Request], *, batches: int) -> float:
    spent = []
    for _ in range(batches):
        begun = time.perf_counter_ns()
        for request in requests:
            ask(request)
        spent.append((time.perf_counter_ns() - begun) / len(requests) / 1000)
    return statistics.median(spent)


def spread(count: int, size: int) -> tuple[list[int], list[Request]]:
    """Rules chosen at random, and requests that match them."""
    pick = random.Random(count)
    picked = [pick.randrange(count) for _ in range(size)]
    return picked, [(f"user-{n % ROLES}", f"element-{n}") for n in picked]


def measure_index(count: int) -> float:
    index = compile_rules(make_rules(count), tenant_id=TENANT, version=1)
    picked, requests = spread(count, 200)
    for n, (user, element) in zip(picked, requests, strict=True):
        assert decide(index, user, element, FACTS).rule_id == f"rule-{n}"
    return median_us(lambda asked: decide(index, asked[0], asked[1], FACTS), requests, batches=200)


def measure_casbin(count: int) -> dict[str, float]:
    rules = make_rules(count)
    _, requests = spread(count, max(4, min(200, 40_000 // count)))
    plain = casbin.Enforcer(casbin.Enforcer.new_model(text=PLAIN_MODEL), _Plain(rules))
    fast_model = FastModel([1, 2, 3])
    fast_model.load_model_from_text(PLAIN_MODEL)
    fast = casbin.FastEnforcer(fast_model, _Plain(rules), cache_key_order=[1, 2, 3])
    with_conditions = build_enforcer([rule if rule.ptype is RuleKind.ROLE else _as_permission(rule) for rule in rules])
    facts = SimpleNamespace(**FACTS)

    def ask(enforcer: Any) -> Callable[[Request], object]:
        return lambda asked: enforcer.enforce(asked[0], TENANT, asked[1], PolicyOutcome.AUTO)

    def ask_conditions(asked: Request) -> Any:
        return with_conditions.enforce_ex((asked[0],), TENANT, asked[1], PolicyOutcome.AUTO, facts)[0]

    assert all(one(requests[0]) for one in (ask(plain), ask(fast), ask_conditions))
    return {
        "Enforcer": median_us(ask(plain), requests, batches=3),
        "FastEnforcer": median_us(ask(fast), requests, batches=9),
        "Enforcer with conditions": median_us(ask_conditions, requests[: max(1, 4_000 // count)], batches=1),
    }


def _as_permission(rule: PolicyRule) -> PolicyRule:
    return PolicyRule(rule.id, RuleKind.PERMISSION, rule.sub, rule.dom, rule.obj, rule.act, rule.condition)


def run() -> list[Row]:
    # The index is measured first: the product's processes never have Casbin's own data structures in memory.
    ours = {count: measure_index(count) for count in SIZES}
    rows: list[Row] = []
    for count in SIZES:
        for name, theirs in measure_casbin(count).items():
            times = theirs / ours[count]
            figure = f"policy decision, condition and reason, {count:,} rules ÷ pycasbin {name}"
            wanted = AIMS.get((name, count))
            aim = NO_AIM if wanted is None else Aim(f"≤ 1/{wanted:,}", times >= wanted)
            rows.append(Row(figure, f"1/{times:,.0f} ({ours[count]:.2f} µs / {theirs:,.0f} µs)", aim))
    flat = ours[SIZES[-1]] / ours[SIZES[0]]
    rows.append(Row(f"policy decision, {SIZES[-1]:,} rules ÷ {SIZES[0]} rules", f"{flat:.2f}", at_most(1.3, flat)))
    return rows
