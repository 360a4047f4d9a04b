"""Severity from 0 to 100: the sum of revenue, compliance and partner impact, each with its reason; versioned."""

from typing import Any, Final

import msgspec

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
OVERDUE: Final = {
    "name": "correction",
    "points": 20,
    "why": "It was not corrected in the time its contract allows.",
}
"""Added once, on breach of the correction time."""

_EXPOSURE_STEPS: Final = ((100_000, 25), (10_000, 20), (1_000, 12), (100, 6), (1, 3))


def score(code: str, *, exposure_minor: int, channels: int) -> tuple[int, dict[str, Any]]:
    """Compute severity and breakdown. `exposure_minor` is the size of the difference in minor units of its currency;
    `channels` is the number of channels showing the difference.
    """
    weights = WEIGHTS.get(code, _UNKNOWN)
    exposure = next((points for least, points in _EXPOSURE_STEPS if abs(exposure_minor) >= least), 0)
    spread = min(10, 3 * channels)
    parts = [
        {"name": "revenue", "points": weights.revenue + exposure, "why": _revenue_reason(exposure_minor)},
        {"name": "compliance", "points": weights.compliance, "why": weights.why},
        {"name": "partner", "points": weights.partner + spread, "why": _channels_reason(channels)},
    ]
    total = min(100, sum(int(str(part["points"])) for part in parts))
    return total, {"formula": FORMULA, "parts": parts}


def _channels_reason(channels: int) -> str:
    return {0: "No channel shows it.", 1: "One channel shows it."}.get(channels, f"{channels} channels show it.")


def _revenue_reason(exposure_minor: int) -> str:
    return "No amount is known." if exposure_minor == 0 else "By the size of the difference in price."
