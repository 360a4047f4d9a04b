"""Relations that this room publishes: SQL that rooms above read instead of its tables, in the same plan."""

from typing import Final

BRAND_DOMAINS: Final = "(SELECT tenant_id, msp_id, host FROM brand_domain)"
