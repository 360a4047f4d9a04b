"""A propagation's clock runs until it is seen or superseded, also while it is held, refused or given up."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_RUNNING = "state NOT IN ('verified', 'superseded')"


def upgrade() -> None:
    op.execute("DROP INDEX ix_propagation_clock")
    op.execute(
        f"CREATE INDEX ix_propagation_clock ON propagation (tenant_id, slo_due_at) WHERE NOT breached AND {_RUNNING}"
    )
    op.execute(
        "CREATE INDEX ix_propagation_running ON propagation (tenant_id, connection_id, record_key, element)"
        f" WHERE {_RUNNING}"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_propagation_running")
    op.execute("DROP INDEX ix_propagation_clock")
    op.execute(
        "CREATE INDEX ix_propagation_clock ON propagation (tenant_id, slo_due_at)"
        " WHERE NOT breached AND state IN ('pending', 'accepted')"
    )
