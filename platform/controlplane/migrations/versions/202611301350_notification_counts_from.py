"""The time from which the bell counts a notification."""

from alembic import op

from foundation.database.roles import APP

revision = "202611301350"
down_revision = "202611301349"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE notification ADD COLUMN counts_from timestamptz")
    op.execute(f"GRANT UPDATE (counts_from) ON notification TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
