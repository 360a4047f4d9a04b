"""Mark of reversals in the usage ledger and in rated usage."""

from alembic import op

revision = "202611300916"
down_revision = "202611300846"
branch_labels = None
depends_on = None

_TABLES = ("usage_event", "rated_usage", "reported_usage")
_MARK = """
ALTER TABLE usage_event ADD COLUMN is_reversal boolean NOT NULL DEFAULT false;
ALTER TABLE rated_usage ADD COLUMN is_reversal boolean NOT NULL DEFAULT false;
UPDATE usage_event u SET is_reversal = true FROM reported_usage r
 WHERE r.reverses IS NOT NULL AND r.tenant_id = u.tenant_id AND r.meter = u.meter AND r.id = u.id;
UPDATE rated_usage u SET is_reversal = true FROM reported_usage r
 WHERE r.reverses IS NOT NULL AND r.tenant_id = u.tenant_id AND r.meter = u.meter AND r.id = u.usage_id;
"""


def upgrade() -> None:
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_MARK)
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("ALTER TABLE usage_event DROP COLUMN is_reversal; ALTER TABLE rated_usage DROP COLUMN is_reversal")
