"""Minimum and maximum of a period, commitments, and credits for missed service levels."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from billing.pricing.numbers import Number, decimal, exact, share, total
from billing.pricing.rounding import Rounding, round_amount


class CappedCharge(msgspec.Struct, frozen=True):
    """`total` is charged; `discount` is the part above the maximum."""

    total: Decimal
    discount: Decimal


class PeriodFee(msgspec.Struct, frozen=True):
    """A fee of the period. A `prorated` one counts for the part of the period that is billed."""

    amount: Number
    prorated: bool = False


class UptimeBand(msgspec.Struct, frozen=True):
    """`credit_pct` of the fee when the uptime is below `below_pct`."""

    below_pct: Number
    credit_pct: Number


class ServiceCredit(msgspec.Struct, frozen=True):
    credit_pct: Decimal
    credit: Decimal


def maximum_spend(maximum: Number | None, amount: Number, *, billed_before: Number = 0) -> CappedCharge:
    """`amount` as far as the period's `maximum` allows after amounts billed before; the newest line is cut."""
    wanted = exact(amount)
    room = wanted if maximum is None else max(Fraction(0), exact(maximum) - exact(billed_before))
    charged = min(wanted, room)
    return CappedCharge(decimal(charged), decimal(wanted - charged))


def minimum_true_up(  # noqa: PLR0913 - keyword-only
    minimum: Number,
    charged: Number,
    *,
    days: Number = 1,
    of_days: Number = 1,
    is_last: bool = True,
    exponent: int | None = None,
    mode: Rounding = Rounding.HALF_UP,
) -> Decimal:
    """Shortfall to the minimum, billed with the last line of a period; 0 with any other. In a part of a period the
    minimum counts for `days` of `of_days`; leave both out for the whole of it.
    """
    missing = max(Fraction(0), exact(minimum) * share(days, of_days) - exact(charged)) if is_last else Fraction(0)
    return decimal(missing) if exponent is None else round_amount(missing, exponent, mode)


def commitment_true_up(  # noqa: PLR0913 - keyword-only
    commitment: Number,
    fees: Sequence[PeriodFee],
    *,
    days: Number = 1,
    of_days: Number = 1,
    prorate_commitment: bool = True,
    exponent: int = 0,
    mode: Rounding = Rounding.HALF_UP,
) -> Decimal:
    """Shortfall to the commitment after all fees of the period, in `exponent` digits. Commitment and prorated fees
    count for `days` of `of_days`; rounded once.
    """
    part = share(days, of_days)
    charged = total([exact(fee.amount) * (part if fee.prorated else 1) for fee in fees])
    wanted = exact(commitment) * (part if prorate_commitment else 1)
    return round_amount(max(Fraction(0), wanted - charged), exponent, mode)


def sla_credit(  # noqa: PLR0913 - keyword-only
    uptime_pct: Number,
    fee: Number,
    bands: Sequence[UptimeBand],
    *,
    maximum: Number | None = None,
    exponent: int | None = None,
    mode: Rounding = Rounding.HALF_UP,
) -> ServiceCredit:
    """The credit of the deepest band that the uptime lies below, on fees that are not usage; a band's own bound is
    still met. `maximum`: the credit at most.
    """
    met = [band for band in bands if exact(uptime_pct) < exact(band.below_pct)]
    found = min(met, key=lambda band: exact(band.below_pct)) if met else UptimeBand(0, 0)
    credit = exact(fee) * exact(found.credit_pct) / 100
    credit = credit if maximum is None else min(credit, exact(maximum))
    return ServiceCredit(
        decimal(exact(found.credit_pct)),
        decimal(credit) if exponent is None else round_amount(credit, exponent, mode),
    )
