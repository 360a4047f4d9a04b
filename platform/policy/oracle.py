"""pycasbin itself over the same rules: the reference implementation for tests of the compiled index."""

from collections.abc import Callable, Iterable
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

import casbin
from casbin.core_enforcer import EnforceContext
from casbin.persist import Adapter

from policy.casbin_line import casbin_line
from policy.conditions import Facts, decidable, parse_condition
from policy.facts import explain_missing
from policy.index import Decision, PermissionAnswer, Subjects
from policy.messages import NO_RULE
from policy.reasons import reason_of
from policy.rules import ANY_TENANT, SHOW, PolicyOutcome, PolicyRule, RuleKind

MODEL_TEXT = (files("policy") / "model.conf").read_text(encoding="utf-8")
_GOVERNANCE = EnforceContext("r", "p2", "e2", "m2")
# pycasbin refuses to evaluate eval() without any rule; this one never matches.
_NEVER = {
    RuleKind.PERMISSION: ["", "", "", "", "False", "deny", ""],
    RuleKind.GOVERNANCE: ["", "", "", "", "False", "deny", "", "", ""],
}
_ID = 6


class RuleAdapter(Adapter):  # type: ignore[misc] # casbin ships no types
    """Casbin adapter that loads rules without serialising them to text, because conditions may contain commas."""

    def __init__(self, rules: Iterable[PolicyRule]) -> None:
        self._rules = list(rules)

    def load_policy(self, model: Any) -> None:
        for ptype, never in _NEVER.items():
            model.model["p"][ptype.value].policy.append(list(never))
        for rule in self._rules:
            section = "g" if rule.ptype is RuleKind.ROLE else "p"
            model.model[section][rule.ptype.value].policy.append(casbin_line(rule))


def build_enforcer(rules: Iterable[PolicyRule], *, empty: Any = None) -> Any:
    """An enforcer over every tenant's rules at once, as Casbin is commonly used. `empty` has the model and no rules."""
    enforcer = empty if empty is not None else casbin.Enforcer(casbin.Enforcer.new_model(text=MODEL_TEXT))
    enforcer.add_named_domain_matching_func("g", _in_domain)
    enforcer.add_function("acts_as", _acts_as(enforcer))
    enforcer.add_function("decidable", lambda ctx, signature: decidable(vars(ctx), signature))
    enforcer.add_function("abs", abs)
    enforcer.set_adapter(RuleAdapter(rules))
    enforcer.load_policy()
    return enforcer


class PolicyOracle:
    """The queries of `policy.index`, answered by pycasbin."""

    def __init__(self, rules: Iterable[PolicyRule], *, version: int) -> None:
        known = list(rules)
        self._enforcer = build_enforcer(known)
        self._version = version
        self._described = {(rule.ptype, rule.id): rule for rule in known}

    def decide(self, tenant_id: str, subjects: Subjects, element: str, ctx: Facts) -> Decision:
        for outcome in PolicyOutcome:
            allowed, line = self._enforce(_GOVERNANCE, tenant_id, subjects, element, outcome.value, ctx)
            if allowed:
                rule = self._described[RuleKind.GOVERNANCE, line[_ID]]
                missing = parse_condition(rule.condition).missing(ctx)
                reason = explain_missing(reason_of(rule), missing, ctx)
                return Decision(outcome, rule.id, reason, self._version)
        return Decision(PolicyOutcome.REVIEW, "", NO_RULE, self._version)

    def shows(self, tenant_id: str, subjects: Subjects, element: str) -> bool:
        """Whether a rule shows the element's values to `subjects`."""
        return self._enforce(_GOVERNANCE, tenant_id, subjects, element, SHOW, {})[0]

    def may(self, tenant_id: str, subjects: Subjects, obj: str, act: str, ctx: Facts) -> PermissionAnswer:
        allowed, line = self._enforce(None, tenant_id, subjects, obj, act, ctx)
        return PermissionAnswer(allowed, line[_ID] if line else "")

    def _enforce(  # noqa: PLR0913, PLR0917 - one argument per part of Casbin's request
        self, context: Any, tenant_id: str, subjects: Subjects, obj: str, act: str, ctx: Facts
    ) -> tuple[bool, list[str]]:
        several = (subjects,) if isinstance(subjects, str) else subjects
        request = (several, tenant_id, obj, act, SimpleNamespace(**ctx))
        allowed, line = self._enforcer.enforce_ex(*([context] if context is not None else []), *request)
        return allowed, line


def _in_domain(domain: str, pattern: str) -> bool:
    return pattern in (domain, ANY_TENANT)


def _acts_as(enforcer: Any) -> Callable[[Iterable[str], str, str], bool]:
    def acts_as(subjects: Iterable[str], role: str, domain: str) -> bool:
        manager = enforcer.get_role_manager()
        return any(manager.has_link(subject, role, domain) for subject in subjects)

    return acts_as
