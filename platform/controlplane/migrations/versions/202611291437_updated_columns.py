"""Columns that the application may update, table by table: keys and recorded facts are not among them.

A new table names its columns in `protect`.
"""

from alembic import op

from foundation.database.roles import APP

revision = "202611291437"
down_revision = "202611291242"
branch_labels = None
depends_on = None

_UPDATED = {
    # foundation
    "job": "delayed, ready_at, attempts, is_retry, error",
    "lane": "fence, holder, lease_until, paused_until, failure_count, crash_count",
    "lane_share": "pool, weight, cap, resting",
    "timer": "lane, kind, due_at",
    "vault_key": "wrapped, kek_id, state",
    "idempotency_key": "kept",
    # tenants
    "msp": "language, time_zone",
    "client": "status, suspended_at, language, time_zone",
    "member": (
        "password_hash, status, last_seen_at, signed_out_after, invite_hash, invite_until, invited_at, invited_by,"
        " inviter_id, vouched_by, accepted_at, confirmed_at, confirmed_by, language, time_zone"
    ),
    "api_key": "last_used_at, revoked_at",
    # branding
    "brand": "name, tokens, updated_at",
    "brand_domain": "brand_id",
    # billing
    "invoice": "state, total_minor, content_hash, updated_at",
    "invoice_line": "events, quantity, included, amount_minor, first_at, last_at",
    "rating_run": "rated_at, next_at",
    # connectors
    "connection": "state, paused_at, missing_since, last_success_at, last_failure_at, last_error",
    "connection_secret": "ciphertext",
    "poll_cursor": "cursor, polled_at, walk",
    # governance
    "element_contract": (
        "source_connection_id, owner, workflow, propagation_slo_ms, correction_slo_ms, approval_ttl_s,"
        " decision_slo_ms, version, published_at, clocks_from"
    ),
    "held_observation": "source_event_id, source_version, held_at",
    "change": (
        "state, version, outcome, rule_id, reason, policy_version, cost_value, approval_id, old_value, decided_at,"
        " decision_excluded"
    ),
    "propagation": (
        "state, attempts, slo_due_at, excluded, excluded_until, breached, sent_at, accepted_at, verified_at,"
        " read_value, previous_value, error"
    ),
    "channel_value": "partner_id, value, version, change_id, seen_at",
    "record_value": (
        "source_value, source_version, source_event_id, value, version, change_id, source_connection_id,"
        " source_committed_at"
    ),
    "source_record": "record_key, version, source_event_id",
    "record_title": "title, search",
    "drift_cursor": "record_key, element, dimension, record_type",
    "baseline_part": (
        "state, listed, cursor, equal, differs, source_only, channel_only, below_cost, auto, review, refuse, error,"
        " walk, unkeyed"
    ),
    "baseline_item": "connection_id, value, source_version, source_event_id, unreadable",
    "baseline_reading": "change_id",
    "retention_policy": "keep_days, changed_at, changed_by",
}
_REPLACED = ("partner", "policy_rule", "retention_default")  # rows are inserted and, where they change, deleted


def upgrade() -> None:
    op.execute(f"REVOKE UPDATE ON {', '.join((*_UPDATED, *_REPLACED))} FROM {APP}")
    for table, columns in _UPDATED.items():
        op.execute(f"GRANT UPDATE ({columns}) ON {table} TO {APP}")


def downgrade() -> None:
    raise NotImplementedError("Rights are not widened again. Restore a backup instead.")
