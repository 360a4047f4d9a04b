"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class PasskeyAction(AuditAction, kind=AuditKind.ACCESS):
    ADDED = "passkey.added", N_("Passkey added")
    REMOVED = "passkey.removed", N_("Passkey removed")
