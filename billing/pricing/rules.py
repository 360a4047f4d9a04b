"""Choices on which billing engines differ, made by a legal entity or a price book. See the billing reference."""

from enum import StrEnum

import msgspec

from billing.pricing.rounding import Rounding


class TaxRounding(StrEnum):
    LINE = "line"
    RATE = "rate"
    INVOICE = "invoice"


class ProrationUnit(StrEnum):
    DAY = "day"
    SECOND = "second"
    THIRTY_ACTUAL = "30_actual"
    THIRTY_STRICT = "30_strict"


class PercentCoupon(StrEnum):
    LINE = "line"
    SUM = "sum"


class LateUsage(StrEnum):
    """Refresh the draft while there is one, then the next invoice on a line of its own; or always the next."""

    DRAFT_THEN_NEXT = "draft_then_next"
    NEXT = "next"


class SegmentValue(StrEnum):
    """A price change within a period, for maximum, unique and latest: each price on its segment's own value, or on its
    share of the time.
    """

    OWN = "own"
    SHARE_OF_TIME = "share_of_time"


class BillingRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Rules, each with its suggested default. Books and legal entities store those that differ from it."""

    rounding: Rounding = Rounding.HALF_UP
    tax_rounding: TaxRounding = TaxRounding.RATE
    bills_last_day: bool = False
    zero_usage_pays_first_flat: bool = False
    tier_bounds_inclusive: bool = True
    prorates_minimum: bool = True
    min_packages: int = 0
    change_proration: ProrationUnit = ProrationUnit.SECOND
    part_period_proration: ProrationUnit = ProrationUnit.DAY
    denominator_is_whole_period: bool = True
    keeps_cycle_on_interval_change: bool = False
    downgrades_at_period_end: bool = True
    keeps_anchor_day: bool = True
    percent_coupon: PercentCoupon = PercentCoupon.SUM
    keeps_rest_of_coupon: bool = True
    rounds_inclusive_tax: bool = True
    overage_from_next_grant: bool = False
    late_usage: LateUsage = LateUsage.DRAFT_THEN_NEXT
    trial_prorates_commitment: bool = True
    pause_credits: bool = True
    rounds_prorated_sum_once: bool = True
    unique_per_group: bool = True
    segment_value: SegmentValue = SegmentValue.OWN
