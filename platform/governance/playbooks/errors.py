"""Errors of this slice."""

from foundation.errors import Conflict
from foundation.marks import N_


class GateClosed(Conflict):
    """A task of an earlier phase is not done."""

    code = "gate-closed"
    title = N_("An earlier phase is not finished")


class FactDecides(Conflict):
    code = "fact-decides"
    title = N_("A fact decides whether this task is done")


class EvidenceMissing(Conflict):
    code = "evidence-missing"
    title = N_("This task needs evidence")
