"""The time zone by whose calendar a legal entity issues invoices."""

from alembic import op

from foundation.database.roles import APP

revision = "202611301855"
down_revision = "202611301851"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Until now all days were those of UTC.
    op.execute("ALTER TABLE legal_entity ADD COLUMN time_zone varchar NOT NULL DEFAULT 'UTC'")
    op.execute(f"GRANT UPDATE (time_zone) ON legal_entity TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
