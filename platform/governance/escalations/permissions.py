"""Permissions of this slice."""

from foundation.marks import N_
from foundation.permissions import Permission


class EscalationPermission(Permission, heading=N_("Escalation")):
    READ_LADDER = "escalation:read", N_("Read the escalation ladder")
    WRITE_LADDER = "escalation:write", N_("Set the escalation ladder")
