"""Severity from 0 to 100, the sum of revenue, compliance and partner impact, each with its reason, versioned; and the
impact in money.
"""

from decimal import Decimal
from typing import Any, Final

from canonical.amounts import EXACT
from canonical.money import InexactAmount, stored_exponent
from canonical.values import MoneyValue, QuantityValue, Value, money
from foundation.i18n.messages import StoredMessage
from foundation.marks import N_
from governance.exception_types import SeverityWeights, find_type
from governance.exceptions.rows import Exposure
from governance.messages import severity as messages

FORMULA: Final = "2026-11"


_UNKNOWN: Final = SeverityWeights(20, 20, 10)
_UNKNOWN_WHY: Final = N_("This type of exception is unknown.")
OVERDUE: Final = {"name": "correction", "points": 20, "code": messages.OVERDUE.code}
"""Added once, on breach of the correction time."""

_STEPS: Final = {
    "money": ((100_000, 25), (10_000, 20), (1_000, 12), (100, 6), (0, 3)),
    "units": ((1_000, 12), (100, 6), (0, 3)),
}
"""Points by the size of the difference: money in minor units of its currency, anything counted in its unit."""
_REASONS: Final = {
    "money": messages.PRICE_DIFFERENCE,
    "units": messages.QUANTITY_DIFFERENCE,
}


def score(code: str, *, exposure: Exposure | None, channels: int) -> tuple[int, dict[str, Any]]:
    """Compute severity and its factors, each explained by a message.

    `channels` is the number of channels showing the difference.
    """
    found = find_type(code)
    weights = _UNKNOWN if found is None else found.weights
    kind, size = _difference(exposure)
    points = next((points for least, points in _STEPS.get(kind, ()) if size > 0 and size >= least), 0)
    spread = min(10, 3 * channels)
    factors = [
        _factor("revenue", weights.revenue + points, (_REASONS[kind] if points else messages.NO_AMOUNT).fill()),
        _factor("compliance", weights.compliance, StoredMessage(messages.BY_TYPE)),
        _factor("partner", weights.partner + spread, _channels_reason(channels)),
    ]
    total = min(100, sum(int(factor["points"]) for factor in factors))
    return total, {"formula": FORMULA, "factors": factors}


def price_impact(exposure: Exposure | None) -> MoneyValue | None:
    """Size of the difference in price, in its currency; None if prices do not differ, or no price is concerned."""
    match exposure:
        case Exposure(new=MoneyValue() as new, old=old):
            size = _price_difference(new, old)
            try:
                return money(size, new.currency) if size else None
            except InexactAmount:  # of two amounts of opposite signs at the bounds
                return None
    return None


def explain_type(code: str) -> str:
    """Explanation of this code's severity weights, in English."""
    found = find_type(code)
    return _UNKNOWN_WHY if found is None else found.why


def _factor(name: str, points: int, reason: StoredMessage) -> dict[str, Any]:
    return {"name": name, "points": points, "code": reason.code, "params": reason.params}


def _channels_reason(channels: int) -> StoredMessage:
    if channels > 1:
        return messages.CHANNELS.fill(count=channels)
    return (messages.ONE_CHANNEL if channels == 1 else messages.NO_CHANNEL).fill()


def _difference(exposure: Exposure | None) -> tuple[str, Decimal]:
    """Unit and size of the difference. A value in another currency or unit differs by its full amount."""
    match exposure:
        case Exposure(new=MoneyValue() as new, old=old):
            return "money", _price_difference(new, old).scaleb(stored_exponent(new.currency), EXACT)
        case Exposure(new=QuantityValue() as new, old=old):
            before = old.number if isinstance(old, QuantityValue) and old.unit == new.unit else Decimal(0)
            return "units", abs(new.number - before)
    return "", Decimal(0)


def _price_difference(new: MoneyValue, old: Value | None) -> Decimal:
    before = old.number if isinstance(old, MoneyValue) and old.currency == new.currency else Decimal(0)
    return abs(EXACT.subtract(new.number, before))
