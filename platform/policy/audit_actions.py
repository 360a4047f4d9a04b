"""Audited actions of this room."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class PolicyAction(AuditAction, kind=AuditKind.DECISIONS):
    POLICY_PUBLISHED = "policy.published", N_("Policy published")
    POLICY_ROLES_CHANGED = "policy.roles_changed", N_("Roles changed")
    APPROVAL_PENDING = "approval.pending", N_("Approval requested")
    APPROVAL_COUNTED = "approval.counted", N_("Approved, more approvals needed")
    APPROVAL_GRANTED = "approval.granted", N_("Approved")
    APPROVAL_REFUSED = "approval.refused", N_("Declined")
    APPROVAL_USED = "approval.used", N_("Approval used")
    APPROVAL_EXPIRED = "approval.expired", N_("Approval expired")
    APPROVAL_WITHDRAWN = "approval.withdrawn", N_("Approval withdrawn")


class RoleAction(AuditAction, kind=AuditKind.ACCESS):
    ROLE_CREATED = "role.created", N_("Role created")
    ROLE_CHANGED = "role.changed", N_("Role changed")
    ROLE_DELETED = "role.deleted", N_("Role deleted")
