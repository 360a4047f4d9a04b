"""Errors of features and numbers that a plan does not allow. `feature` in the problem is the feature's code."""

from foundation.errors import Conflict
from foundation.marks import N_


class NotInPlan(Conflict):
    code = "not-in-plan"
    title = N_("This is not part of the plan")


class PlanLimitReached(Conflict):
    code = "plan-limit-reached"
    title = N_("The plan does not allow more")
