"""Facts for governance rules, from typed values. Unknown facts are omitted, never guessed. Facts of the time are in
`policy.time_facts`, facts of channels in `governance.records.rows`.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from canonical.amounts import canonical_amount, scale_amount
from canonical.dimensions import parse_dimension
from canonical.elements import domain_of
from canonical.money import KEPT
from canonical.orders import OrderValue
from canonical.values import EnumerationValue, MoneyValue, NumberValue, QuantityValue, TextValue, Value, type_of
from foundation.i18n.messages import TEXT, StoredMessage
from policy.conditions import Fact, Facts
from policy.messages import EARLIER_ZERO, MONTH_NOT_COMPARABLE, NOT_KNOWN, NOTHING_EARLIER, OTHER_CURRENCY

MONTH_FACT: Final = "month_change_bp"
REGULATED_FACT: Final = "regulated"
"""1 for values that the client classified as regulated; absent for others."""
WORKFLOW_FACT: Final = "always_approve"
"""1 for values whose contract requires approval of every change; absent for others."""
PROPOSER_PREFIX: Final = "by_"
"""Prefix of facts about a proposer's roles: `by_client_finance` is 1 for one with `client_finance`, else 0."""
_COMPARED: Final = frozenset({"change_bp", MONTH_FACT, "old_minor", "change_quantity", "old_quantity"})


def value_facts(  # noqa: PLR0913, PLR0917 - the four values that a change is judged by
    element: str, dimension: str, old: Value | None, new: Value, cost: Value | None, month: Value | None = None
) -> dict[str, Fact]:
    """Facts of a change of any element. `month` is the value at the start of the month; by default the old one.

    Each has `domain`, `value_type`, `changed` (0 or 1; 1 for a first value too) and its dimension's parts, as
    `dim_currency`. Texts have `text_length`, enumerations `code`, orders `total_minor`, `currency` and `lines`; money
    and quantities have those of `price_facts` and `stock_facts`.
    """
    facts: dict[str, Fact] = {
        "domain": domain_of(element),
        "value_type": type_of(new),
        "changed": int(old != new),
    }
    if dimension:
        facts |= {f"dim_{name}": value for name, value in parse_dimension(dimension)}
    if isinstance(new, MoneyValue):
        known = old if isinstance(old, MoneyValue) else None
        start = month if isinstance(month, MoneyValue) else known
        facts |= price_facts(known, new, cost if isinstance(cost, MoneyValue) else None, start)
    elif isinstance(new, QuantityValue):
        facts |= stock_facts(old if isinstance(old, QuantityValue) and old.unit == new.unit else None, new)
    elif isinstance(new, TextValue):
        facts["text_length"] = len(new.text)
    elif isinstance(new, OrderValue):
        total = MoneyValue(canonical_amount(new.total), new.currency)
        facts |= {"total_minor": _minor(total), "currency": new.currency, "lines": len(new.lines)}
    elif isinstance(new, EnumerationValue):
        facts["code"] = new.code
    return facts


def proposer_facts(named: Iterable[str], roles: Iterable[str]) -> dict[str, Fact]:
    """Facts of the roles of the person who proposed the change, for those that rules name (`PolicyIndex.facts`). A
    system has no roles, so that each is 0.
    """
    held = {f"{PROPOSER_PREFIX}{role}" for role in roles}
    return {name: int(name in held) for name in named if name.startswith(PROPOSER_PREFIX)}


def larger_month_change(facts: Facts) -> Facts:
    """The month's fact if the old value differs from the approved one: the larger of both changes."""
    known = [one for name in (MONTH_FACT, "change_bp") if isinstance(one := facts.get(name), int)]
    return {MONTH_FACT: max(known)} if known else {}


def price_facts(
    old: MoneyValue | None, new: MoneyValue, cost: MoneyValue | None, month: MoneyValue | None = None
) -> dict[str, Fact]:
    """Facts of a price change, in minor units of its currency: a fraction where the price is finer.

    `change_bp` is the size of the change in basis points of the old price, rounded up, so that 5.001 % is more than 5
    %. It is omitted for a first price, an old price of zero and a change of currency: none is a small change.
    `month_change_bp` compares with the price at the start of the month in the same way. `cost_known` is 0 or 1, and
    `cost_minor` is 0 while the cost is unknown, or in another currency, so that no rule about prices below cost
    applies.
    """
    new_minor = _minor(new)
    known = cost is not None and cost.currency == new.currency
    facts: dict[str, Fact] = {
        "new_minor": new_minor,
        "currency": new.currency,
        "cost_known": int(known),
        "cost_minor": _minor(cost) if known and cost is not None else 0,
    }
    if old is not None:
        facts["old_minor"] = _minor(old)
    for name, before in (("change_bp", old), (MONTH_FACT, month)):
        if before is not None and before.currency == new.currency and (minor := _minor(before)) > 0:
            facts[name] = _basis_points(minor, new_minor)
    return facts


def stock_facts(old: QuantityValue | None, new: QuantityValue) -> dict[str, Fact]:
    new_quantity = _exact(new)
    facts: dict[str, Fact] = {"new_quantity": new_quantity, "unit": new.unit}
    if old is not None:
        old_quantity = facts["old_quantity"] = _exact(old)
        facts["change_quantity"] = new_quantity - old_quantity
    return facts


def _minor(value: MoneyValue) -> int | Fraction:
    return scale_amount(value.amount, KEPT[value.currency])


def _basis_points(old: int | Fraction, new: int | Fraction) -> int:
    """Size of the change in basis points of `old`, rounded up."""
    larger, smaller = (new, old) if new > old else (old, new)
    return -int((smaller - larger) * 10_000 // old)


def _exact(value: NumberValue) -> int | Fraction:
    return scale_amount(value.amount, 0)


def explain_missing(reason: StoredMessage, missing: Sequence[str], facts: Facts) -> StoredMessage:
    """Explanation of a rule that applied because it could not be evaluated. Its own reason would refer to unknown
    facts, so the missing comparison value is explained instead.
    """
    if not missing:
        return reason
    if MONTH_FACT in missing and "change_bp" in facts and _COMPARED.issuperset(missing):
        return MONTH_NOT_COMPARABLE.fill()
    if _COMPARED.issuperset(missing):
        return _nothing_to_compare(facts)
    text = reason.params["text"] if reason.code == TEXT.code else reason
    return NOT_KNOWN.fill(text=text, facts=missing)


def _nothing_to_compare(facts: Facts) -> StoredMessage:
    old = facts.get("old_minor")
    if not isinstance(old, int | Fraction):
        return NOTHING_EARLIER.fill()
    return (OTHER_CURRENCY if old > 0 else EARLIER_ZERO).fill()
