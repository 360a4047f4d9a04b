"""Index for the number of list exports in a month."""

from alembic import op

revision = "202611302010"
down_revision = "202611302005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_audit_entry_exports ON audit_entry (tenant_id, at) WHERE action = 'list.exported'")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
