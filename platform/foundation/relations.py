"""Relations that foundation publishes: SQL that rooms read instead of its tables.

Each is a simple subquery, which the planner merges into the statement, so a plan is that of the table itself. Row-level
security applies as to the table. A relation names only columns that each of its readers' roles may read.
"""

from typing import Final

JOBS: Final = "(SELECT tenant_id, msp_id, lane, kind, ref, enqueued_at FROM job)"
DEAD_LETTERS: Final = """(SELECT tenant_id, msp_id, id, lane, kind, key, ref, payload, attempts, error, enqueued_at,
    died_at, state, closed_at, closed_by, correlation FROM dead_letter)"""
TIMERS: Final = "(SELECT tenant_id, msp_id, name, lane, kind, due_at FROM timer)"
TIMES_DUE: Final = "(SELECT due_at FROM timer)"
"""Columns of timers that the relay's role may read."""
LANE_SHARES: Final = "(SELECT tenant_id, msp_id, pool FROM lane_share)"
USAGE_EVENTS: Final = """(SELECT tenant_id, msp_id, meter, id, quantity, occurred_at, subject_id, is_reversal,
    recording_id FROM usage_event)"""
USAGE_ROLLUPS: Final = """(SELECT tenant_id, msp_id, meter, recording_id, hour, rows, events, quantity, first_at,
    last_at, first_id, last_id FROM usage_rollup)"""
AUDIT_ENTRIES: Final = "(SELECT tenant_id, msp_id, seq, at, action, subject, body FROM audit_entry)"
AUDIT_HEADS: Final = "(SELECT tenant_id, msp_id, seq, hash FROM audit_head)"
VAULT_KEYS: Final = "(SELECT tenant_id, msp_id, id, wrapped, kek_id, state, created_at FROM vault_key)"
INSTALLATION: Final = "(SELECT name, value, recorded_at FROM installation)"
