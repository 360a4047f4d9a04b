"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class SecondFactorAction(AuditAction, kind=AuditKind.ACCESS):
    SET_UP = "second_factor.set_up", N_("Authenticator app set up")
    REMOVED = "second_factor.removed", N_("Authenticator app removed")
    RESET = "second_factor.reset", N_("Second factors of a member removed")
    CODES_MADE = "second_factor.codes_made", N_("Recovery codes created")
    ACCEPTED = "second_factor.accepted", N_("Second factor accepted")
    RECOVERY_CODE_USED = "second_factor.recovery_code_used", N_("Recovery code used")
    FAILED = "second_factor.failed", N_("Second factor refused")
    RULE_SET = "second_factor_rule.set", N_("Second factor required for a role")
    RULE_REMOVED = "second_factor_rule.removed", N_("Second factor no longer required for a role")
