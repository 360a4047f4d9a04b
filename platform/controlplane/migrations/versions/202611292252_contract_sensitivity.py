"""Sensitivity of an element's values in its contract."""

from alembic import op

from foundation.database.roles import APP

revision = "202611292252"
down_revision = "202611292251"
branch_labels = None
depends_on = None

_COLUMN = """
ALTER TABLE element_contract ADD COLUMN sensitivity varchar NOT NULL DEFAULT 'internal'
    CHECK (sensitivity IN ('public', 'internal', 'confidential', 'personal'));
"""


def upgrade() -> None:
    op.execute(_COLUMN)
    op.execute(f"GRANT UPDATE (sensitivity) ON element_contract TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
