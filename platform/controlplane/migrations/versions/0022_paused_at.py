"""A connection knows since when it is paused: a channel gets what it missed, once it is resumed."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE connection ADD COLUMN paused_at timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE connection DROP COLUMN paused_at")
