"""A channel that is paused again before it was caught up keeps the time since when it may lack values."""

from alembic import op

revision = "202611290815"
down_revision = "202611290330"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE connection ADD COLUMN missing_since timestamptz")
    op.execute("UPDATE connection SET missing_since = paused_at WHERE paused_at IS NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE connection DROP COLUMN missing_since")
