"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class PartnerAction(AuditAction, kind=AuditKind.SETTINGS):
    PARTNER_CREATED = "partner.created", N_("Partner created")
    PARTNER_CHANGED = "partner.changed", N_("Partner changed")
    PARTNER_SUSPENDED = "partner.suspended", N_("Partner suspended")
    PARTNER_RESUMED = "partner.resumed", N_("Partner resumed")
