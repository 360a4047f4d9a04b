"""Custom elements can be retired."""

from alembic import op

from foundation.database.roles import APP

revision = "202611292202"
down_revision = "202611292201"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE custom_element ADD COLUMN retired_at timestamptz, ADD COLUMN retired_by varchar")
    op.execute(f"GRANT UPDATE (retired_at, retired_by) ON custom_element TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
