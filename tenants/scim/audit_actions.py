"""Audited actions of SCIM."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class ScimAction(AuditAction, kind=AuditKind.ACCESS):
    TOKEN_CREATED = "scim_token.created", N_("SCIM token created")
    TOKEN_ROTATED = "scim_token.rotated", N_("SCIM token rotated")
    TOKEN_REVOKED = "scim_token.revoked", N_("SCIM token revoked")
