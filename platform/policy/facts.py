"""Facts for governance rules, from plain values. Unknown facts are omitted, never guessed."""

from collections.abc import Sequence

from foundation.i18n.messages import StoredMessage
from policy.conditions import Fact, Facts
from policy.messages import EARLIER_ZERO, NOT_KNOWN, NOTHING_EARLIER, OTHER_CURRENCY

_COMPARED = frozenset({"change_bp", "old_minor", "change_quantity", "old_quantity"})


def price_facts(
    *, old_minor: int | None, new_minor: int, currency: str, cost_minor: int | None, old_currency: str | None = None
) -> dict[str, Fact]:
    """Facts of a price change.

    `change_bp` is the size of the change in basis points of the old price, rounded up, so that 5.001 % is more than 5
    %. It is omitted for a first price, an old price of zero and a change of currency: none is a small change.
    `cost_known` is 0 or 1, and `cost_minor` is 0 while the cost is unknown, so that no rule then claims "below cost".
    """
    facts: dict[str, Fact] = {
        "new_minor": new_minor,
        "currency": currency,
        "cost_known": 0 if cost_minor is None else 1,
        "cost_minor": cost_minor or 0,
    }
    if old_minor is not None:
        facts["old_minor"] = old_minor
        if old_minor > 0 and (old_currency is None or old_currency == currency):
            facts["change_bp"] = -(-abs(new_minor - old_minor) * 10_000 // old_minor)
    return facts


def stock_facts(*, old_quantity: int | None, new_quantity: int) -> dict[str, Fact]:
    facts: dict[str, Fact] = {"new_quantity": new_quantity}
    if old_quantity is not None:
        facts["old_quantity"] = old_quantity
        facts["change_quantity"] = new_quantity - old_quantity
    return facts


def explain_missing(reason: StoredMessage, missing: Sequence[str], facts: Facts) -> StoredMessage:
    """Explanation of a rule that applied because it could not be evaluated. Its own reason would claim unknown facts,
    so a missing comparison value is explained instead.
    """
    if not missing:
        return reason
    if _COMPARED.issuperset(missing):
        return _nothing_to_compare(facts)
    return NOT_KNOWN.fill(text=reason.params["text"], facts=missing)


def _nothing_to_compare(facts: Facts) -> StoredMessage:
    old = facts.get("old_minor")
    if type(old) is not int:
        return NOTHING_EARLIER.fill()
    return (OTHER_CURRENCY if old > 0 else EARLIER_ZERO).fill()
