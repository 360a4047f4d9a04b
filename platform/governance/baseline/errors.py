"""Errors of baselines."""

from foundation.errors import Conflict


class BaselineUnderWay(Conflict):
    code = "baseline-under-way"
    title = "The baseline is in another state"


class NothingToRead(Conflict):
    code = "nothing-to-read"
    title = "There is nothing to read a baseline from"
