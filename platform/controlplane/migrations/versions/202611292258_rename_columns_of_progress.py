"""Columns get the names of the code. No release has the former names, so they are renamed in one step."""

from alembic import op

revision = "202611292258"
down_revision = "202611292257"
branch_labels = None
depends_on = None

_RENAMED = (
    ("poll_cursor", "walk", "progress"),
    ("baseline_part", "walk", "progress"),
    ("baseline_reading", "verdict", "comparison"),
    ("connection", "heard_at", "last_message_at"),
)


def upgrade() -> None:
    for table, old, new in _RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    op.execute("ALTER INDEX ix_baseline_reading_verdict RENAME TO ix_baseline_reading_comparison")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
