"""SQL of which events are on which line: those rated with their roll-up, and those rated one by one."""

from typing import Final

from foundation.relations import USAGE_EVENTS

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
