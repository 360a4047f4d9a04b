"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class LadderAction(AuditAction, kind=AuditKind.SETTINGS):
    LADDER_SET = "escalation_ladder.set", N_("Escalation ladder set")
    LADDER_REMOVED = "escalation_ladder.removed", N_("Escalation ladder removed")


class EscalationAction(AuditAction, kind=AuditKind.EXCEPTIONS):
    STEP_REACHED = "escalation.step_reached", N_("Escalation step reached")
