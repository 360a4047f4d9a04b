"""Audited actions of single sign-on."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class SingleSignOnAction(AuditAction, kind=AuditKind.ACCESS):
    PROVIDER_SET = "identity_provider.set", N_("Identity provider set")
    PROVIDER_REMOVED = "identity_provider.removed", N_("Identity provider removed")
    PROVIDER_TESTED = "identity_provider.tested", N_("Identity provider tried by a complete sign-in")
    DOMAIN_ADDED = "sign_in_domain.added", N_("Domain for single sign-on to be verified")
    DOMAIN_VERIFIED = "sign_in_domain.verified", N_("Domain for single sign-on verified")
    DOMAIN_REMOVED = "sign_in_domain.removed", N_("Domain for single sign-on removed")
    IDENTITY_LINKED = "external_identity.linked", N_("Member linked to the identity provider")
    IDENTITY_UNLINKED = "external_identity.unlinked", N_("Member unlinked from the identity provider")
