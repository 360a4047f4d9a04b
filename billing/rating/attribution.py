"""SQL that assigns events to lines: events rated with their roll-up, one by one, or on a line of a voided invoice."""

from typing import Final

from foundation.relations import USAGE_EVENTS
from foundation.usage.ledger import hour_of

EVENTS_OF_ROLLUP: Final = """u.tenant_id = c.tenant_id AND u.meter = c.meter AND u.recording_id = c.recording_id
    AND u.id >= c.first_id AND u.id <= c.last_id AND u.occurred_at >= c.first_at AND u.occurred_at <= c.last_at"""
"""SQL: the usage event `u` is one of the roll-up `c`, whose ids narrow the search by the ledger's key."""
RATED_EVENTS: Final = f"""(
    SELECT tenant_id, msp_id, side, meter, usage_id, invoice_id, line_id, quantity, occurred_at, is_reversal
      FROM rated_usage
     UNION ALL
    SELECT c.tenant_id, c.msp_id, c.side, c.meter, u.id, c.invoice_id, c.line_id, u.quantity, u.occurred_at,
           u.is_reversal
      FROM rated_rollup c JOIN {USAGE_EVENTS} u ON {EVENTS_OF_ROLLUP} WHERE c.line_id IS NOT NULL)"""
"""Each event on a line of a side, whether it was rated by itself or with its roll-up."""
VOIDED_EVENTS: Final = f"""(
    SELECT v.tenant_id, v.line_id, u.meter, u.id AS usage_id, u.quantity, u.is_reversal
      FROM voided_usage v
      JOIN {USAGE_EVENTS} u ON u.tenant_id = v.tenant_id AND u.recording_id = v.recording_id
       AND u.id >= v.first_id AND u.id <= v.last_id AND {hour_of("u.occurred_at")} = v.hour)"""
"""Each event that a line of a voided invoice charged, and events of other meters of the same recordings."""
