"""A key knows the person who made it, and a change knows it of the key that proposed it: they may not approve it."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE api_key ADD COLUMN maker_id uuid")
    op.execute("ALTER TABLE change ADD COLUMN maker varchar NOT NULL DEFAULT ''")


def downgrade() -> None:
    op.execute("ALTER TABLE change DROP COLUMN maker")
    op.execute("ALTER TABLE api_key DROP COLUMN maker_id")
