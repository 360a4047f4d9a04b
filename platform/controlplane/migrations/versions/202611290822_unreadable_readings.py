"""What a channel showed to a baseline when that was no exact value."""

from alembic import op

revision = "202611290822"
down_revision = "202611290805"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE baseline_reading ADD COLUMN unreadable varchar")


def downgrade() -> None:
    op.execute("ALTER TABLE baseline_reading DROP COLUMN unreadable")
