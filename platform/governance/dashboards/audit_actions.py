"""Audited actions of this slice. Only defaults are audited: a member's own layout concerns nobody else."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class DashboardAction(AuditAction, kind=AuditKind.SETTINGS):
    DEFAULT_SET = "dashboard.default_set", N_("Default dashboard set")
    DEFAULT_REMOVED = "dashboard.default_removed", N_("Default dashboard removed")
