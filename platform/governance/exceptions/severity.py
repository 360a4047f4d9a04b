"""Severity from 0 to 100: the sum of revenue, compliance and partner impact, each with its reason; versioned."""

from typing import Any, Final

import msgspec

from foundation.i18n.messages import StoredMessage
from governance.messages import severity as messages

FORMULA: Final = "2026-11"


class SeverityWeights(msgspec.Struct, frozen=True):
    """Base weights of an exception code, before its circumstances."""

    revenue: int
    compliance: int
    partner: int
    why: str


WEIGHTS: Final[dict[str, SeverityWeights]] = {
    "source.quarantined": SeverityWeights(15, 5, 5, "A message could not be read, so a change may be missing."),
    "source.id_conflict": SeverityWeights(10, 15, 0, "The same message id came with other content."),
    "source.stale": SeverityWeights(15, 15, 5, "A value was dropped as outdated although it was committed later."),
    "source.clock_ahead": SeverityWeights(10, 10, 0, "Dates of this source cannot be relied on."),
    "source.duplicate_key": SeverityWeights(
        20, 20, 5, "Two records of the source claim one key, so neither can be told apart."
    ),
    "contract.missing": SeverityWeights(10, 15, 0, "No contract says who may set this."),
    "channel.drift": SeverityWeights(15, 25, 5, "Someone other than the source of truth set this."),
    "change.refused": SeverityWeights(20, 25, 0, "Policy refuses the value that the source holds."),
    "approval.stale": SeverityWeights(10, 15, 0, "What was approved is no longer what would be sent."),
    "approval.late": SeverityWeights(
        10, 10, 0, "People have not decided by the due time; channels keep the approved value."
    ),
    "approval.expired": SeverityWeights(15, 10, 0, "Nobody answered in time."),
    "connection.failing": SeverityWeights(20, 5, 15, "Nothing comes from this system, or gets there."),
    "connection.paused": SeverityWeights(15, 0, 15, "Nothing is exchanged with this system while it is paused."),
    "propagation.slo_breached": SeverityWeights(25, 5, 20, "Buyers still see the old value."),
    "propagation.refused": SeverityWeights(25, 5, 15, "The channel will not take the value."),
    "propagation.failed": SeverityWeights(25, 5, 20, "The channel never showed the value, and nothing more is tried."),
    "propagation.unreadable": SeverityWeights(
        20, 10, 15, "The channel shows a value that is not exactly the approved one."
    ),
}
_UNKNOWN: Final = SeverityWeights(20, 20, 10, "This kind of exception is not known, which is itself one.")
OVERDUE: Final = {"name": "correction", "points": 20, "code": messages.OVERDUE.code}
"""Added once, on breach of the correction time."""

_EXPOSURE_STEPS: Final = ((100_000, 25), (10_000, 20), (1_000, 12), (100, 6), (1, 3))


def score(code: str, *, exposure_minor: int, channels: int) -> tuple[int, dict[str, Any]]:
    """Compute severity and its factors, each explained by a message.

    `exposure_minor` is the size of the difference in minor units of its currency; `channels` is the number of channels
    showing the difference.
    """
    weights = WEIGHTS.get(code, _UNKNOWN)
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
    return WEIGHTS.get(code, _UNKNOWN).why


def _factor(name: str, points: int, reason: StoredMessage) -> dict[str, Any]:
    return {"name": name, "points": points, "code": reason.code, "params": reason.params}


def _channels_reason(channels: int) -> StoredMessage:
    if channels > 1:
        return messages.CHANNELS.fill(count=channels)
    return (messages.ONE_CHANNEL if channels == 1 else messages.NO_CHANNEL).fill()


def _revenue_reason(exposure_minor: int) -> StoredMessage:
    return (messages.NO_AMOUNT if exposure_minor == 0 else messages.PRICE_DIFFERENCE).fill()
