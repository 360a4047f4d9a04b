"""Errors of baselines."""

from foundation.errors import Conflict
from foundation.marks import N_


class BaselineUnderWay(Conflict):
    code = "baseline-under-way"
    title = N_("The baseline is in another state")


class NothingToRead(Conflict):
    code = "nothing-to-read"
    title = N_("There is nothing to read a baseline from")
