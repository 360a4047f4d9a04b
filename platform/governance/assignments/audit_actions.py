"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class AssignmentAction(AuditAction, kind=AuditKind.EXCEPTIONS):
    ASSIGNMENT_SET = "assignment.set", N_("Assigned")
    ASSIGNMENT_REMOVED = "assignment.removed", N_("Assignment removed")
    COMMENT_ADDED = "comment.added", N_("Comment added")
