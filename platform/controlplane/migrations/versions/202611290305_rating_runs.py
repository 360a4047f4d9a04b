"""When each client's usage was rated and is rated next, for invoices and reconciliation."""

from alembic import op

from foundation.database.rls import protect

revision = "202611290305"
down_revision = "202611290301"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE rating_run (
            tenant_id uuid NOT NULL, msp_id uuid NOT NULL, rated_at timestamptz NOT NULL, next_at timestamptz NOT NULL,
            CONSTRAINT pk_rating_run PRIMARY KEY (tenant_id)
        )
    """)
    protect(op, "rating_run", app="SELECT, INSERT, UPDATE", fleet=True)


def downgrade() -> None:
    op.execute("DROP TABLE rating_run")
