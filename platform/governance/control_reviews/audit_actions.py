"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class ReviewAction(AuditAction, kind=AuditKind.SETTINGS):
    REVIEW_SCHEDULED = "control_review.scheduled", N_("Schedule of control reviews set")
    REVIEW_OPENED = "control_review.opened", N_("Control review opened")
    REVIEW_SIGNED = "control_review.signed", N_("Control review signed")
