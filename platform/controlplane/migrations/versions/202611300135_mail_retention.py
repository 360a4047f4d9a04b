"""Right of retention to delete mails."""

from alembic import op

from foundation.database.roles import PURGE

revision = "202611300135"
down_revision = "202611300134"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(f"GRANT DELETE ON mail TO {PURGE}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
