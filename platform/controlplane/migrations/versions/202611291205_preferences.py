"""Language and time zone of members, and the defaults of their accounts."""

from alembic import op

revision = "202611291205"
down_revision = "202611291150"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("member", "client", "msp"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN language varchar, ADD COLUMN time_zone varchar")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
