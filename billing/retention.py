"""How long usage is kept. Invoices are kept for good; their lines are shown down to each usage event."""

from typing import Final

from foundation.retention import DataClass, RetainedTable

# From the first event that no closed invoice has on, everything stays.
_UNINVOICED: Final = """
    SELECT u.id FROM usage_event u
     WHERE u.tenant_id = :t AND u.id < :before
       AND NOT EXISTS (SELECT 1 FROM rated_usage r JOIN invoice i ON i.tenant_id = r.tenant_id AND i.id = r.invoice_id
                        WHERE r.tenant_id = :t AND r.meter = u.meter AND r.usage_id = u.id AND i.state = 'closed')
     ORDER BY u.id LIMIT 1
"""
_IN_DRAFTS: Final = """
    SELECT r.usage_id FROM rated_usage r JOIN invoice i ON i.tenant_id = r.tenant_id AND i.id = r.invoice_id
     WHERE r.tenant_id = :t AND r.usage_id < :before AND i.state = 'draft'
     ORDER BY r.usage_id LIMIT 1
"""

RETAINED: Final = (
    DataClass(
        "usage", "Usage events", "What was metered and what it was billed as. Never before it is on a closed invoice.",
        (
            RetainedTable("rated_usage", "usage_id", partitioned=True),
            RetainedTable("usage_event", "id", partitioned=True),
        ),
        default_days=3653, least_days=3653, floors=(_UNINVOICED, _IN_DRAFTS),
    ),
)  # fmt: skip
