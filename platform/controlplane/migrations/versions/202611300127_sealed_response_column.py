"""The column of sealed responses is named by its content. No release has the former name."""

from alembic import op

revision = "202611300127"
down_revision = "202611292258"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE idempotency_key RENAME COLUMN kept TO sealed_response")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
