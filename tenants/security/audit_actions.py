"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class SecurityAction(AuditAction, kind=AuditKind.ACCESS):
    SESSION_ENDED = "session.ended", N_("Session ended")
    OTHER_SESSIONS_ENDED = "session.others_ended", N_("All other sessions ended")
    CONFIRMED = "session.confirmed", N_("Identity confirmed for dangerous actions")
