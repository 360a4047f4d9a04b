"""What a source said to a baseline when that was no exact value."""

from alembic import op

revision = "202611290850"
down_revision = "202611290847"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE baseline_item ADD COLUMN unreadable varchar")


def downgrade() -> None:
    op.execute("ALTER TABLE baseline_item DROP COLUMN unreadable")
