"""A value remembers which connection it came from and when it was committed: versions count within one connection."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE record_value ADD source_connection_id uuid, ADD source_committed_at timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE record_value DROP source_connection_id, DROP source_committed_at")
