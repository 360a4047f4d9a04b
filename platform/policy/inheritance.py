"""Rules that a client inherits from its MSP, and the client's own in their place.

A client's policy holds a copy of each governance rule of its MSP's account (`inherited`), until it has a rule of its
own with the same id, which `overrides` or omits the MSP's (`RuleKind.OMITTED`). A locked rule cannot be replaced.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from policy.rules import PolicyRule, RuleKind


def inherit(known: Sequence[PolicyRule], of_msp: Iterable[PolicyRule]) -> list[PolicyRule]:
    """The client's rules `known`, updated with the MSP's: the client's own stay, unless the MSP has locked the rule."""
    wanted = {rule.id: as_inherited(rule) for rule in of_msp if rule.ptype is RuleKind.GOVERNANCE}
    found = []
    for rule in known:
        base = wanted.pop(rule.id, None)
        if base is not None and (rule.inherited or base.locked):
            found.append(base)
        elif base is not None:
            found.append(replace(rule, overrides=base))
        elif not rule.inherited and rule.ptype is not RuleKind.OMITTED:
            found.append(replace(rule, overrides=None))
    return [*found, *wanted.values()]


def as_inherited(rule: PolicyRule) -> PolicyRule:
    return replace(rule, dom="", inherited=True, overrides=None)


def inherited_rule(rule: PolicyRule | None) -> PolicyRule | None:
    """The MSP's rule that a rule of a client is a copy of, overrides or omits; None for one of the client's own."""
    if rule is None:
        return None
    return replace(rule, dom="") if rule.inherited else rule.overrides


def omit(base: PolicyRule) -> PolicyRule:
    """A client's decision not to have a rule of its MSP."""
    return replace(base, ptype=RuleKind.OMITTED, inherited=False, overrides=base)


def restored(rule: PolicyRule | None, base: PolicyRule | None) -> PolicyRule | None:
    """An earlier `rule` of a client, adapted to the MSP's current rules: a rule that the MSP has changed since becomes
    the client's own in its place, and one that the client did not have then is omitted.
    """
    if base is None:
        if rule is None or rule.ptype is RuleKind.OMITTED:
            return None
        return replace(rule, inherited=False, overrides=None)
    if base.locked:
        return base
    if rule is None or rule.ptype is RuleKind.OMITTED:
        return omit(base)
    return base if rule.inherited and as_inherited(rule) == base else replace(rule, inherited=False, overrides=base)
