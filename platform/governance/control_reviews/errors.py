"""Errors of this slice."""

from foundation.errors import Conflict
from foundation.marks import N_


class ReviewSigned(Conflict):
    code = "review-signed"
    title = N_("This control review is signed already")


class EvidenceChanged(Conflict):
    """The evidence was collected again after it was read."""

    code = "evidence-changed"
    title = N_("The evidence has changed")
