"""Terms of service credits: the part of the fees that is given back for a missed target."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Final

import msgspec

from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.web.requests import RequestBody

_WHOLE: Final = Decimal(100)
_STEP: Final = Decimal("0.001")


class SlaBand(RequestBody, frozen=True):
    """Fewer than `below_pct` per cent of the deliveries in time give `credit_pct` per cent of the month's fees."""

    below_pct: Decimal
    credit_pct: Decimal


class SlaTermsInput(RequestBody, frozen=True):
    """Bands in any order; the lowest that applies counts. `most_pct`: the largest credit, in per cent of the fees. No
    bands: no credit.

    `from_month`: the first month that is assessed, such as 2026-03; the current one if not given.
    """

    bands: Annotated[Sequence[SlaBand], msgspec.Meta(max_length=10)]
    most_pct: Decimal = _WHOLE
    from_month: Annotated[str, msgspec.Meta(max_length=7)] = ""


def check_terms(terms: SlaTermsInput) -> Sequence[SlaBand]:
    """The bands, the lowest first. Raises InvalidInput."""
    numbers = [terms.most_pct, *(one for band in terms.bands for one in (band.below_pct, band.credit_pct))]
    if not all(one.is_finite() and 0 < one <= _WHOLE and one == one.quantize(_STEP) for one in numbers):
        raise InvalidInput(N_("A percentage is above 0 and at most 100, with at most three decimals."), field="bands")
    bands = sorted(terms.bands, key=lambda band: band.below_pct)
    if any(left.below_pct == right.below_pct or left.credit_pct < right.credit_pct
           for left, right in pairwise(bands)):  # fmt: skip
        raise InvalidInput(N_("A lower band gives at least as much as a higher one."), field="bands")
    return bands


def credit_of(bands: Sequence[SlaBand], most_pct: Decimal, attained_pct: Decimal) -> tuple[Decimal, Decimal]:
    """Per cent of the fees, 0 if no band applies, and the target: the highest threshold."""
    target = max((band.below_pct for band in bands), default=Decimal(0))
    missed = [band for band in bands if attained_pct < band.below_pct]
    return min(most_pct, max((band.credit_pct for band in missed), default=Decimal(0))), target


def parse_bands(text: str) -> Sequence[SlaBand]:
    """Bands such as `99.5=5, 98=10`. Raises InvalidInput."""
    bands = []
    for part in text.replace(";", ",").split(","):
        if not part.strip():
            continue
        try:
            below, credit = (Decimal(one.strip().removesuffix("%").strip()) for one in part.split("="))
        except (ValueError, ArithmeticError):
            raise InvalidInput(N_("Enter bands such as 99.5=5, 98=10."), field="bands") from None
        bands.append(SlaBand(below, credit))
    return bands
