"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class RetentionAction(AuditAction, kind=AuditKind.SETTINGS):
    RETENTION_POLICY_SET = "retention.policy_set", N_("Retention period set")
    RETENTION_DEFAULT_SET = "retention.default_set", N_("Default retention period set")
    RETENTION_HOLD_PLACED = "retention.hold_placed", N_("Legal hold placed")
    RETENTION_HOLD_RELEASED = "retention.hold_released", N_("Legal hold released")
    RETENTION_REMOVED = "retention.removed", N_("Expired data deleted")
