"""The reason of a rule: its own text, or its conditions."""

from collections.abc import Mapping

from canonical.elements import element_type
from foundation.i18n.messages import TEXT, StoredMessage
from policy.messages import RULE_APPLIES
from policy.rules import PolicyRule, RuleKind
from policy.term_messages import describe_terms
from policy.terms import read_terms


def reason_of(rule: PolicyRule, role_names: Mapping[str, str] | None = None) -> StoredMessage:
    """Message to the people whom the rule affects. A rule without text and without terms is named by its id.
    `role_names` are those of the account's own roles.
    """
    if rule.description or rule.ptype is not RuleKind.GOVERNANCE:
        return TEXT.fill(text=rule.description)
    known = element_type(rule.obj)
    value_type = known.value_type if known is not None else ""
    terms = read_terms(rule.condition, value_type)
    if not terms:
        return TEXT.fill(text=rule.id)
    return RULE_APPLIES.fill(element=rule.obj, conditions=describe_terms(terms, value_type, names=role_names or {}))
