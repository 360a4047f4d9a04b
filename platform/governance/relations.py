"""Relations that this room publishes: SQL that rooms above read instead of its tables, in the same plan."""

from typing import Final

CHANGES: Final = "(SELECT tenant_id, msp_id, id, state FROM change)"
PROPAGATIONS: Final = "(SELECT tenant_id, msp_id, change_id, element, dimension, state FROM propagation)"
ONBOARDINGS: Final = "(SELECT tenant_id, msp_id, live_at FROM onboarding)"
"""A client without a row is older than the table, and is live."""
