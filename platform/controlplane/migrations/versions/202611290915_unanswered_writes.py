"""When a value first may have taken effect on a channel although no acceptance is on record."""

from alembic import op

revision = "202611290915"
down_revision = "202611290850"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE propagation ADD COLUMN sent_at timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE propagation DROP COLUMN sent_at")
