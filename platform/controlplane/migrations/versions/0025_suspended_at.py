"""A client knows since when it is suspended, a contract from when its clocks can run: no clock runs out meanwhile."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE client ADD COLUMN suspended_at timestamptz")
    op.execute("ALTER TABLE element_contract ADD COLUMN clocks_from timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE element_contract DROP COLUMN clocks_from")
    op.execute("ALTER TABLE client DROP COLUMN suspended_at")
