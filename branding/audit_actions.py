"""Audited actions of this room."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class BrandAction(AuditAction, kind=AuditKind.ACCESS):
    BRAND_SET = "brand.set", N_("Brand set")
    BRAND_IMAGE_SET = "brand.image_set", N_("Image of a brand uploaded")
    BRAND_IMAGE_REMOVED = "brand.image_removed", N_("Image of a brand removed")
    BRAND_DOMAIN_CLAIMED = "brand.domain_claimed", N_("Domain to be verified for a brand")
    BRAND_DOMAIN_ADDED = "brand.domain_added", N_("Domain added to a brand")
    BRAND_HOST_RELEASED = "brand.host_released", N_("Domain released")


class ClientBrandAction(AuditAction, kind=AuditKind.ACCESS):
    SET = "client_brand.set", N_("Brand of the client set")
    IMAGE_SET = "client_brand.image_set", N_("Image of the client's brand uploaded")
    IMAGE_REMOVED = "client_brand.image_removed", N_("Image of the client's brand removed")
