"""A baseline reads a system as source and as channel: a part for each."""

from alembic import op

revision = "202611291913"
down_revision = "202611291901"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE baseline_part DROP CONSTRAINT pk_baseline_part,"
        " ADD CONSTRAINT pk_baseline_part PRIMARY KEY (tenant_id, baseline_id, connection_id, role)"
    )


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
