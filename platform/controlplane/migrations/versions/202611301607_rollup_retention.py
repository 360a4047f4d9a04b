"""Retention may delete rated roll-ups, also those of invoices that are not void."""

from alembic import op

from foundation.database.roles import APP, PURGE

revision = "202611301607"
down_revision = "202611301606"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DROP POLICY rated_rollup_void ON rated_rollup")
    op.execute(
        f"CREATE POLICY rated_rollup_void ON rated_rollup AS RESTRICTIVE FOR DELETE TO {APP} USING ("
        f"current_user = '{PURGE}' OR EXISTS (SELECT 1 FROM invoice i WHERE i.tenant_id = rated_rollup.tenant_id"
        " AND i.id = rated_rollup.invoice_id AND i.state = 'void'))"
    )


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
