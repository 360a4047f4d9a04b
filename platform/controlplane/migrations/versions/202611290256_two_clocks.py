"""Time to decide and time to deliver are measured apart: release times, decision targets, excluded time."""

from alembic import op

revision = "202611290256"
down_revision = "202611290249"
branch_labels = None
depends_on = None

_TABLES = ("element_contract", "approval", "change", "propagation")
_COLUMNS = """
ALTER TABLE element_contract ADD COLUMN decision_slo_ms bigint NOT NULL DEFAULT 86400000;
ALTER TABLE approval ADD COLUMN due_at timestamptz, ADD COLUMN overdue boolean NOT NULL DEFAULT false;
CREATE INDEX ix_approval_due ON approval (tenant_id, due_at) WHERE state = 'pending' AND NOT overdue;
ALTER TABLE change ADD COLUMN decided_at timestamptz, ADD COLUMN decision_excluded interval NOT NULL DEFAULT '0';
ALTER TABLE propagation ADD COLUMN released_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN excluded interval NOT NULL DEFAULT '0', ADD COLUMN excluded_until timestamptz;
"""
_FILL = """
UPDATE element_contract SET decision_slo_ms = least(decision_slo_ms, approval_ttl_s::bigint * 1000);
UPDATE approval SET due_at = least(expires_at, created_at + interval '1 day');
UPDATE change c SET decided_at = coalesce(
           (SELECT a.decided_at FROM approval a
             WHERE a.tenant_id = c.tenant_id AND a.id = c.approval_id AND a.state IN ('granted', 'used', 'refused')),
           CASE WHEN c.approval_id IS NULL THEN c.proposed_at END)
 WHERE c.state IN ('released', 'declined', 'refused');
UPDATE propagation p
   SET released_at = greatest(p.committed_at, c.decided_at, c.proposed_at),
       slo_due_at = p.slo_due_at + (greatest(p.committed_at, c.decided_at, c.proposed_at) - p.committed_at)
  FROM change c WHERE c.tenant_id = p.tenant_id AND c.id = p.change_id;
UPDATE propagation SET breached = CASE WHEN state = 'verified' THEN verified_at > slo_due_at
                                       ELSE slo_due_at < now() END
 WHERE breached OR state = 'verified';
"""
"""Earlier lateness was counted from the source's commit, so the time people took was charged to channels."""


def upgrade() -> None:
    op.execute(_COLUMNS)
    for table in _TABLES:  # the owner fills rows of every tenant
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_FILL)
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("ALTER TABLE propagation DROP COLUMN released_at, DROP COLUMN excluded, DROP COLUMN excluded_until")
    op.execute("ALTER TABLE change DROP COLUMN decided_at, DROP COLUMN decision_excluded")
    op.execute("ALTER TABLE approval DROP COLUMN due_at, DROP COLUMN overdue")
    op.execute("ALTER TABLE element_contract DROP COLUMN decision_slo_ms")
