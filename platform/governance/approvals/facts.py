"""Facts that a decision compared, each beside the threshold of the rule. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from canonical.values import MoneyValue, QuantityValue, Value, minor_money, type_of
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_
from governance.approvals.schemas import ComparedFact
from governance.labels import write_value
from governance.messages.writer import write_message
from governance.records.rows import Channel
from policy.conditions import Fact, Facts
from policy.rules import PolicyRule
from policy.term_messages import DAYS, describe_terms
from policy.terms import PERCENT_KINDS, Direction, Membership, Term, TermKind, read_terms

_COST: Final = frozenset({TermKind.BELOW_COST, TermKind.COST_UNKNOWN})
_CONDITION: Final = "condition"
_LABELS: Final[Mapping[str, str]] = {
    TermKind.BELOW_COST: N_("Cost"),
    TermKind.MARGIN_BELOW: N_("Margin"),
    _CONDITION: N_("Condition"),
}
_NO_NAMES: Final[Mapping[str, str]] = {}


class DecisionFacts(NamedTuple):
    """Inputs of a decision: the `facts` given to policy, the channels of the decision, and the labels of the proposer's
    roles.
    """

    facts: Facts
    old: Value | None
    new: Value
    cost: Value | None
    channels: Sequence[Channel] = ()
    roles: Sequence[str] = ()


def compare_facts(
    given: DecisionFacts, rule: PolicyRule | None, *, names: Mapping[str, str] = _NO_NAMES
) -> list[ComparedFact]:
    """Return the facts of a decision, those that the rule compares first. `names`: of partners and roles, by id."""
    values = _write_facts(given, names)
    thresholds = _thresholds(rule, type_of(given.new), names)
    compared = [
        ComparedFact(kind, _label(kind), values.get(kind) or translate("not known"), ", ".join(texts))
        for kind, texts in thresholds.items()
    ]
    others = [ComparedFact(kind, _label(kind), text) for kind, text in values.items() if kind not in thresholds]
    return [*compared, *(one for one in others if one.value)]


def _label(kind: str) -> str:
    return translate(_LABELS[kind]) if kind in _LABELS else translate(TermKind.of(kind).label)


def _thresholds(rule: PolicyRule | None, value_type: str, names: Mapping[str, str]) -> dict[str, list[str]]:
    """Thresholds of the rule by kind of fact, as texts in the reader's language."""
    if rule is None:
        return {}
    terms = read_terms(rule.condition, value_type)
    if terms is None:
        return {_CONDITION: [rule.condition]}
    localizer = current_localizer()
    shared = [term for term in terms if term.kind == TermKind.DIRECTION or _is_currency(term)]
    found: dict[str, list[str]] = {}
    for term in terms:
        if term.kind == TermKind.ANY_CHANGE:
            continue
        beside = [one for one in shared if one is not term]
        message = describe_terms([*beside, term], value_type, names=names)[-1]
        found.setdefault(_kind_of(term), []).append(write_message(message, localizer))
    return found


def _is_currency(term: Term) -> bool:
    return term.kind == TermKind.CURRENCY and term.comparison == Membership.ANY_OF


def _kind_of(term: Term) -> str:
    return TermKind.BELOW_COST if term.kind in _COST else term.kind


def _write_facts(given: DecisionFacts, names: Mapping[str, str]) -> dict[str, str]:
    """Every fact that is known, by its kind."""
    facts, localizer = given.facts, current_localizer()
    found: dict[str, str] = {
        TermKind.DIRECTION: _direction(facts),
        **{kind.value: _percent(facts.get(name)) for kind, name in PERCENT_KINDS.items()},
        TermKind.CHANGE_AMOUNT: _amount(facts),
        TermKind.NEW_VALUE: write_value(given.new),
        TermKind.BELOW_COST: "" if given.cost is None else write_value(given.cost),
        TermKind.MARGIN_BELOW: _margin(given),
        TermKind.PROPOSER_ROLE: ", ".join(given.roles),
        TermKind.CURRENCY: str(facts.get("currency", "")),
    }
    for kind in (TermKind.PRICE_LIST, TermKind.CUSTOMER_GROUP, TermKind.LOCATION, TermKind.LANGUAGE, TermKind.CODE):
        found[kind] = str(facts.get(kind.value, ""))
    for kind in (TermKind.CHANNEL, TermKind.CHANNEL_KIND, TermKind.PARTNER, TermKind.JURISDICTION):
        own = [str(one.facts[kind.value]) for one in given.channels if kind.value in one.facts]
        found[kind] = ", ".join(dict.fromkeys(names.get(name, name) for name in own))
    if "hour" in facts:
        found[TermKind.HOUR] = f"{facts['hour']}:00"
        found[TermKind.WEEKDAY] = write_message(DAYS[str(facts["weekday"])].fill(), localizer)
    return found


def _direction(facts: Facts) -> str:
    for unit in ("minor", "quantity"):
        old, new = facts.get(f"old_{unit}"), facts.get(f"new_{unit}")
        if old is not None and new is not None and not isinstance(old, str) and not isinstance(new, str) and old != new:
            return translate((Direction.UP if new > old else Direction.DOWN).label)
    return ""


def _percent(points: Fact | None) -> str:
    """Format basis points as a percentage."""
    if not isinstance(points, int):
        return ""
    digits = 0 if points % 100 == 0 else 1 if points % 10 == 0 else 2
    return current_localizer().percent(Decimal(points).scaleb(-4), digits)


def _amount(facts: Facts) -> str:
    """The size of the change; empty where it is finer than the currency."""
    old, new, currency = facts.get("old_minor"), facts.get("new_minor"), facts.get("currency")
    if isinstance(old, int) and isinstance(new, int) and isinstance(currency, str):
        return write_value(minor_money(abs(new - old), currency))
    size = facts.get("change_quantity")
    return write_value(QuantityValue(str(abs(size)))) if isinstance(size, int) else ""


def _margin(given: DecisionFacts) -> str:
    match given.new, given.cost:
        case (MoneyValue(), MoneyValue()) if given.new.currency == given.cost.currency and given.new.number > 0:
            return current_localizer().percent((given.new.number - given.cost.number) / given.new.number, 1)
    return ""
