"""The wait that an approval continues, so that its escalation does not begin again, and its severity."""

from alembic import op

revision = "202611301521"
down_revision = "202611301512"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE approval ADD COLUMN wait_id uuid, ADD COLUMN waiting_since timestamptz,
                             ADD COLUMN severity smallint NOT NULL DEFAULT 0
    """)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
