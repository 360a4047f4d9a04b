"""Severity from 0 to 100: the sum of revenue, compliance and partner impact, each with its reason; versioned."""

from typing import Any, Final

from foundation.i18n.messages import N_, StoredMessage
from governance.exception_types import SeverityWeights, find_type
from governance.messages import severity as messages

FORMULA: Final = "2026-11"


_UNKNOWN: Final = SeverityWeights(20, 20, 10)
_UNKNOWN_WHY: Final = N_("This kind of exception is not known, which is itself one.")
OVERDUE: Final = {"name": "correction", "points": 20, "code": messages.OVERDUE.code}
"""Added once, on breach of the correction time."""

_EXPOSURE_STEPS: Final = ((100_000, 25), (10_000, 20), (1_000, 12), (100, 6), (1, 3))


def score(code: str, *, exposure_minor: int, channels: int) -> tuple[int, dict[str, Any]]:
    """Compute severity and its factors, each explained by a message.

    `exposure_minor` is the size of the difference in minor units of its currency; `channels` is the number of channels
    showing the difference.
    """
    found = find_type(code)
    weights = _UNKNOWN if found is None else found.weights
    exposure = next((points for least, points in _EXPOSURE_STEPS if abs(exposure_minor) >= least), 0)
    spread = min(10, 3 * channels)
    factors = [
        _factor("revenue", weights.revenue + exposure, _revenue_reason(exposure_minor)),
        _factor("compliance", weights.compliance, StoredMessage(messages.BY_TYPE)),
        _factor("partner", weights.partner + spread, _channels_reason(channels)),
    ]
    total = min(100, sum(int(factor["points"]) for factor in factors))
    return total, {"formula": FORMULA, "factors": factors}


def explain_type(code: str) -> str:
    """Why exceptions of this code weigh what they weigh, in English."""
    found = find_type(code)
    return _UNKNOWN_WHY if found is None else found.why


def _factor(name: str, points: int, reason: StoredMessage) -> dict[str, Any]:
    return {"name": name, "points": points, "code": reason.code, "params": reason.params}


def _channels_reason(channels: int) -> StoredMessage:
    if channels > 1:
        return messages.CHANNELS.fill(count=channels)
    return (messages.ONE_CHANNEL if channels == 1 else messages.NO_CHANNEL).fill()


def _revenue_reason(exposure_minor: int) -> StoredMessage:
    return (messages.NO_AMOUNT if exposure_minor == 0 else messages.PRICE_DIFFERENCE).fill()
