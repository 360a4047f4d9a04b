"""A usage event knows what it was used for, so that an invoice's line can tell it."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE usage_event ADD COLUMN about uuid")


def downgrade() -> None:
    op.execute("ALTER TABLE usage_event DROP COLUMN about")
