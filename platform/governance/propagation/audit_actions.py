"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class DeliveryAction(AuditAction, kind=AuditKind.DELIVERY):
    PROPAGATION_VERIFIED = "propagation.verified", N_("Visible on a channel")
    PROPAGATION_UNPROVEN = "propagation.unproven", N_("Superseded before read-back")
