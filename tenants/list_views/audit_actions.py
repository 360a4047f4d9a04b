"""Audited actions of this slice, on shared views only: a member's own views affect nobody else."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class ListViewAction(AuditAction, kind=AuditKind.SETTINGS):
    SHARED = "list_view.shared", N_("View of a list shared")
    CHANGED = "list_view.changed", N_("Shared view of a list changed")
    WITHDRAWN = "list_view.withdrawn", N_("View of a list no longer shared")
    DELETED = "list_view.deleted", N_("Shared view of a list deleted")
