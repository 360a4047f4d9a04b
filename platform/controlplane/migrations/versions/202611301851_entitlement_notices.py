"""Time of the notice that a limit of a plan is nearly reached."""

from alembic import op

from foundation.database.roles import APP

revision = "202611301851"
down_revision = "202611301850"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE entitlement ADD COLUMN noticed_at timestamptz")
    op.execute(f"GRANT UPDATE (noticed_at) ON entitlement TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
