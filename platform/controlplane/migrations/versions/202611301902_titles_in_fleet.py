"""Titles of records in lists of all clients, which an MSP's staff read as they read changes."""

from alembic import op

from foundation.database.rls import SAME_MSP
from foundation.database.roles import FLEET

revision = "202611301902"
down_revision = "202611301901"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(f"CREATE POLICY record_title_fleet ON record_title FOR SELECT TO {FLEET} USING ({SAME_MSP})")
    op.execute(f"GRANT SELECT ON record_title TO {FLEET}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
