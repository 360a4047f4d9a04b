"""Values at the start of the month, the content that a replay is of, and roles of an MSP that a step notified.

`adopted_at`: when the value was approved; `month_value`: the value approved at the start of that month. A row
from before counts as approved now; its value at the start of this month is not known, and is looked up in the recorded
changes.
"""

from alembic import op

from foundation.database.roles import APP

revision = "202611301651"
down_revision = "202611301648"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE record_value ADD COLUMN adopted_at timestamptz NOT NULL DEFAULT now(), ADD COLUMN month_value jsonb
    """)
    op.execute("ALTER TABLE policy_replay ADD COLUMN content_hash varchar")
    op.execute("ALTER TABLE escalation ADD COLUMN role_name varchar NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE escalation DROP CONSTRAINT uq_escalation_subject_step")
    op.execute("""
        CREATE UNIQUE INDEX uq_escalation_subject_step
            ON escalation (tenant_id, subject_id, after_minutes, role, (role_name <> ''))
    """)
    op.execute(f"GRANT UPDATE (adopted_at, month_value) ON record_value TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
