"""Rules as lines of Casbin policy."""

import csv
from io import StringIO

from policy.conditions import parse_condition
from policy.rules import PolicyRule, RuleKind


def casbin_line(rule: PolicyRule) -> list[str]:
    """The rule in Casbin's format."""
    if rule.ptype is RuleKind.ROLE:
        return [rule.sub, rule.obj, rule.dom]
    condition = parse_condition(rule.condition).casbin_text(tightens=rule.tightens)
    return [rule.sub, rule.dom, rule.obj, rule.act, condition, rule.effect.value, rule.id, *_approvers(rule)]


def casbin_text(rule: PolicyRule) -> str:
    """The stored line in the form of Casbin's CSV adapter, its type first. Its condition lacks the check for unknown
    facts, which `casbin_line` adds.
    """
    fields = [rule.sub, rule.dom, rule.obj, rule.act, rule.condition, rule.effect.value, rule.id, *_approvers(rule)]
    written = StringIO()
    csv.writer(written, lineterminator="").writerow([rule.ptype.value, *fields])
    return written.getvalue()


def _approvers(rule: PolicyRule) -> list[str]:
    return [rule.approver, str(rule.approvals)] if rule.ptype is RuleKind.GOVERNANCE else []
