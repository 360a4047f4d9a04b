"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class AccessAction(AuditAction, kind=AuditKind.ACCESS):
    ACCESS_REQUESTED = "access.requested", N_("Access requested")
    ACCESS_GRANTED = "access.granted", N_("Access granted")
    ACCESS_REFUSED = "access.refused", N_("Access refused")
    ACCESS_WITHDRAWN = "access.withdrawn", N_("Request for access withdrawn")
    ACCESS_USED = "access.used", N_("Access used for the first time")
    ACCESS_REVOKED = "access.revoked", N_("Access revoked")
    ACCESS_SETTING_CHANGED = "access.setting_changed", N_("Access of the service provider's staff changed")
