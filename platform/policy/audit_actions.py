"""Audited actions of this room."""

from foundation.audit.actions import AuditAction


class PolicyAction(AuditAction):
    POLICY_PUBLISHED = "policy.published", "Policy published"
    POLICY_ROLES_CHANGED = "policy.roles_changed", "Roles changed"
    APPROVAL_PENDING = "approval.pending", "Approval requested"
    APPROVAL_GRANTED = "approval.granted", "Approved"
    APPROVAL_REFUSED = "approval.refused", "Declined"
    APPROVAL_USED = "approval.used", "Approval used"
    APPROVAL_EXPIRED = "approval.expired", "Approval expired"
    APPROVAL_WITHDRAWN = "approval.withdrawn", "Approval withdrawn"
