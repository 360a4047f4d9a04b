"""Channels that a contract sends its values to; NULL: every channel that can show them."""

from alembic import op

from foundation.database.roles import APP

revision = "202611302201"
down_revision = "202611302010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE element_contract ADD COLUMN channels uuid[]")
    op.execute(f"GRANT UPDATE (channels) ON element_contract TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
