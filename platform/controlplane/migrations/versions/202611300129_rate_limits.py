"""Rate limits of the API that are set for an account."""

from alembic import op

from foundation.database.roles import APP

revision = "202611300129"
down_revision = "202611300128"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("msp", "client"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN requests_per_caller integer, ADD COLUMN requests_per_account integer"
        )
        op.execute(f"GRANT UPDATE (requests_per_caller, requests_per_account) ON {table} TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
