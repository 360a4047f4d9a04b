"""Messages in place of values that are unreadable at a source or on a channel."""

from alembic import op

revision = "202611292125"
down_revision = "202611291934"
branch_labels = None
depends_on = None

# A change of type rewrites every tenant's rows, where an UPDATE would see none of them. Stored texts are kept as they
# are.
_CONVERT = """
ALTER TABLE {table} ALTER COLUMN unreadable TYPE jsonb USING CASE WHEN unreadable IS NOT NULL
    THEN jsonb_build_object('code', 'legacy', 'params', jsonb_build_object('text', unreadable)) END
"""


def upgrade() -> None:
    for table in ("baseline_item", "baseline_reading"):
        op.execute(_CONVERT.format(table=table))


def downgrade() -> None:
    """Not offered: the sentences of messages stored since then cannot be restored from their codes."""
    raise NotImplementedError("This step cannot be taken back. Restore a backup instead.")
