"""Narrower rights of the application: it deletes only what its jobs delete, and changes no fact of governed history.

Deleting governed history is left to retention, which the owner runs as `fairlead_purge`.
"""

from alembic import op

from controlplane.stored_functions import replace_functions
from foundation.database.roles import APP, PURGE

revision = "202611291226"
down_revision = "202611291215"
branch_labels = None
depends_on = None

_NO_DELETE = (
    "lane_share", "lane", "timer", "dead_letter", "approval", "brand", "connection", "connection_secret",
    "source_event_key", "poll_cursor", "element_contract", "change", "propagation", "channel_value",
    "governance_exception", "record_value", "drift_cursor", "baseline", "baseline_part",
)  # fmt: skip
_DELETED = (  # by jobs of the application, whose rows they are
    "job", "held_observation", "source_record", "retention_policy", "retention_default", "baseline_item",
    "baseline_reading", "policy_rule", "vault_key", "idempotency_key", "brand_domain",
)  # fmt: skip
_PURGED = ("governance_exception", "baseline_reading", "baseline_item", "approval", "dead_letter", "source_event_key")
# Decided, found and closed rows keep their facts: only the state and the columns about it change.
_UPDATED = {
    "approval": "state, decided_by, decided_at, reason, cause, expires_at, due_at, used_at, overdue, subject_id",
    "governance_exception": (
        "message, params, severity, severity_factors, state, change_id, source_event_id, occurrences, seen_at,"
        " correction_due_at, closed_at, closed_by, escalated_at"
    ),
    "dead_letter": "state, closed_at, closed_by",
    "legal_hold": "released_at, released_by, release_reason",
    "baseline": (
        "state, read_at, decided_at, decided_by, decider, finished_at, after, accepted, proven, automatic, awaiting,"
        " refused, overtaken"
    ),
}
# Readings of an accepted baseline are evidence. The job that reads a baseline replaces its items, and a discarded one
# is forgotten.
_UNDECIDED = """
CREATE POLICY {t}_undecided ON {t} AS RESTRICTIVE FOR DELETE TO {app} USING (
    current_user = '{purge}' OR EXISTS (
        SELECT 1 FROM baseline b WHERE b.tenant_id = {t}.tenant_id AND b.id = {t}.baseline_id
           AND b.state IN ('reading', 'discarded')))
"""


def upgrade() -> None:
    op.execute(f"REVOKE DELETE ON {', '.join(_NO_DELETE)} FROM {APP}")
    op.execute(f"GRANT DELETE ON {', '.join(_DELETED)} TO {APP}")
    op.execute(f"GRANT DELETE ON {', '.join(_PURGED)} TO {PURGE}")
    for table, columns in _UPDATED.items():
        op.execute(f"REVOKE UPDATE ON {table} FROM {APP}")
        op.execute(f"GRANT UPDATE ({columns}) ON {table} TO {APP}")
    for table in ("baseline_reading", "baseline_item"):
        op.execute(_UNDECIDED.format(t=table, app=APP, purge=PURGE))
    replace_functions(op.get_bind(), "lanes")  # with their callers


def downgrade() -> None:
    raise NotImplementedError("Rights are not widened again. Restore a backup instead.")
