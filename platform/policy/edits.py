"""Edits of a policy: rules that a draft adds, changes or removes."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

import msgspec

from policy.history import same_rule
from policy.rules import PolicyRule, RuleKind, rule_fields


class RuleDifference(NamedTuple):
    """A rule before and after a change; None for a missing rule."""

    rule_id: str
    before: PolicyRule | None
    after: PolicyRule | None

    @property
    def kind(self) -> str:
        """Kind of the difference: added, removed or changed."""
        if self.before is None or self.before.ptype is RuleKind.OMITTED:
            return "added"
        return "removed" if self.after is None or self.after.ptype is RuleKind.OMITTED else "changed"


Edits = Mapping[str, PolicyRule | None]
"""The resulting rules by id, in the order of the edits; None removes a rule."""


def apply_edits(rules: Sequence[PolicyRule], edits: Edits) -> list[PolicyRule]:
    """The rules after the edits: changed ones in their place, new ones last."""
    edited = [edits.get(rule.id, rule) for rule in rules]
    known = {rule.id for rule in rules}
    added = [rule for rule_id, rule in edits.items() if rule_id not in known]
    return [rule for rule in (*edited, *added) if rule is not None]


def hash_edits(edits: Edits) -> str:
    """Content hash of the edits, independent of their order."""
    content = [(rule_id, None if rule is None else rule_fields(rule)) for rule_id, rule in sorted(edits.items())]
    return sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()


def compare_rules(before: Iterable[PolicyRule], after: Iterable[PolicyRule]) -> list[RuleDifference]:
    """Differences by rule: changed and removed ones in the order of `before`, then added ones."""
    old, new = ({rule.id: rule for rule in rules} for rules in (before, after))
    found = [RuleDifference(rule_id, rule, new.get(rule_id)) for rule_id, rule in old.items()]
    added = [RuleDifference(rule_id, None, rule) for rule_id, rule in new.items() if rule_id not in old]
    return [
        one for one in (*found, *added)
        if one.before is None or one.after is None or not same_rule(one.before, one.after)
    ]  # fmt: skip


def edits_between(before: Iterable[PolicyRule], after: Iterable[PolicyRule]) -> dict[str, PolicyRule | None]:
    """The edits that turn `before` into `after`."""
    return {one.rule_id: one.after for one in compare_rules(before, after)}
