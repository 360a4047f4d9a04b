"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class RateLimitAction(AuditAction, kind=AuditKind.SETTINGS):
    SET = "rate_limit.set", N_("Rate limits of the API set")
