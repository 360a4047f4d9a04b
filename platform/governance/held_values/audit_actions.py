"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class HeldValueAction(AuditAction, kind=AuditKind.EXCEPTIONS):
    HELD_VALUE_DISCARDED = "held_value.discarded", N_("Held values discarded")
