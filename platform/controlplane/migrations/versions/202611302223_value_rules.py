"""Validation rules of contracts for incoming values."""

from alembic import op

from foundation.database.roles import APP

revision = "202611302223"
down_revision = "202611302221"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE element_contract ADD COLUMN value_rules jsonb NOT NULL DEFAULT '{}'")
    op.execute(f"GRANT UPDATE (value_rules) ON element_contract TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
