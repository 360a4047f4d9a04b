"""Marks of notices sent: stages of expiring credentials, and failed jobs."""

from alembic import op

from foundation.database.roles import APP

revision = "202611301900"
down_revision = "202611301855"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE connection ADD expiry_stage smallint")
    op.execute(f"GRANT UPDATE (expiry_stage) ON connection TO {APP}")
    op.execute("ALTER TABLE dead_letter ADD noticed_at timestamptz")
    op.execute(
        "CREATE INDEX ix_dead_letter_unnoticed ON dead_letter (tenant_id) WHERE noticed_at IS NULL AND state = 'open'"
    )
    op.execute(f"GRANT UPDATE (noticed_at) ON dead_letter TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
