"""Terms of coupons: amount, duration and products."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from foundation.marks import N_


class CouponDuration(StrEnum):
    ONCE = "once"
    """A percentage on one invoice; an amount once, whose rest is usable on later invoices."""
    MONTHS = "months"
    """On a number of invoices."""
    FOREVER = "forever"

    @property
    def label(self) -> str:
        return DURATION_LABELS[self]


DURATION_LABELS = {
    CouponDuration.ONCE: N_("Once"),
    CouponDuration.MONTHS: N_("For some months"),
    CouponDuration.FOREVER: N_("Without an end"),
}


class CouponTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Terms with either `percent`, or `amount_minor` of `currency`. A `recurring` amount begins again with each
    invoice.

    `only`: the discounted products and meters; empty for all. `valid_until` is the last day of service.
    """

    percent: Decimal | None = None
    amount_minor: int | None = None
    currency: str | None = None
    duration: CouponDuration = CouponDuration.ONCE
    months: int | None = None
    recurring: bool = False
    only: Sequence[str] = ()
    valid_until: date | None = None

    @property
    def most_invoices(self) -> int | None:
        """Largest number of discounted invoices; None without a limit."""
        if self.duration is CouponDuration.ONCE:
            return 1 if self.percent is not None else None
        return self.months


TERM_NAMES = CouponTerms.__struct_fields__
