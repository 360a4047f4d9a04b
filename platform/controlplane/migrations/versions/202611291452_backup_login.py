"""Separate login for backups: new partitions are open to its role at once, and it records each backup."""

from alembic import op

from controlplane.stored_functions import replace_functions

revision = "202611291452"
down_revision = "202611291437"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for subject in ("partitions", "backup"):
        replace_functions(op.get_bind(), subject)


def downgrade() -> None:
    raise NotImplementedError("Backups need these functions. Restore a backup instead.")
