"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class PasswordResetAction(AuditAction, kind=AuditKind.ACCESS):
    LINK_SENT = "password_reset.sent", N_("Link for a new password sent")
    LINK_REFUSED = "password_reset.refused", N_("Link for a new password refused")
