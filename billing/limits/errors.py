"""Refusals of use. `meter` in the problem is the budget that refused; `spend` is the budget of the month's cost."""

from foundation.errors import Conflict
from foundation.marks import N_


class FeatureOff(Conflict):
    code = "feature-off"
    title = N_("This is not part of the plan")


class LimitReached(Conflict):
    code = "limit-reached"
    title = N_("A limit of this month is reached")


class PriceUnknown(Conflict):
    code = "price-unknown"
    title = N_("The price of this use is not known")
