"""Progressive billing: invoices within a period, when its use passes a threshold."""

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from billing.pricing.numbers import Number, exact
from billing.pricing.rounding import Rounding, round_to_integer


class ProgressiveBilling(msgspec.Struct, frozen=True):
    """Invoices within the period, and the one at its end: its fees, less amounts invoiced already."""

    progressive_invoices: tuple[int, ...]
    final_fees_minor: int
    credited_minor: int

    @property
    def final_total_minor(self) -> int:
        return self.final_fees_minor - self.credited_minor


def bill_progressively(  # noqa: PLR0913 - keyword-only
    thresholds_minor: Sequence[Number],
    unit_price_minor: Number,
    events: Sequence[Number],
    *,
    subscription_minor: Number = 0,
    recurring_minor: Number | None = None,
    mode: Rounding = Rounding.HALF_UP,
) -> ProgressiveBilling:
    """Passing a threshold, or reaching it, invoices all use not billed yet; passing several at once makes one invoice.
    `recurring_minor`: a threshold again at each such step beyond the last fixed one. The invoice of the period has all
    its fees and credits the earlier invoices.
    """
    used, billed = Fraction(0), 0
    invoices: list[int] = []
    passed = 0
    for quantity in events:
        used += exact(quantity) * exact(unit_price_minor)
        reached = _reached(thresholds_minor, recurring_minor, used)
        if reached > passed:
            passed = reached
            invoices.append(round_to_integer(used, mode) - billed)
            billed += invoices[-1]
    return ProgressiveBilling(tuple(invoices), round_to_integer(used + exact(subscription_minor), mode), billed)


def _reached(thresholds: Sequence[Number], recurring: Number | None, used: Fraction) -> int:
    count = sum(used >= exact(threshold) for threshold in thresholds)
    last = max((exact(threshold) for threshold in thresholds), default=Fraction(0))
    return count + int((used - last) // exact(recurring)) if recurring and used >= last else count
