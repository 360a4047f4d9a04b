"""Audited actions of this room."""

from foundation.audit.actions import AuditAction


class BrandAction(AuditAction):
    BRAND_SET = "brand.set", "Brand set"
    BRAND_DOMAIN_ADDED = "brand.domain_added", "Domain added to a brand"
    BRAND_HOST_RELEASED = "brand.host_released", "Domain released"
