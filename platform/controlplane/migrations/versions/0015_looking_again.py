"""Correction clocks that ran out, values sent lately, and how far a channel has been read again."""

from alembic import op

from foundation.database.rls import protect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE governance_exception ADD COLUMN escalated_at timestamptz")
    op.execute("""
        CREATE INDEX ix_governance_exception_correction ON governance_exception (tenant_id, correction_due_at)
         WHERE state = 'open' AND escalated_at IS NULL
    """)
    op.execute("""
        CREATE INDEX ix_change_released ON change (tenant_id, record_key, element, version) WHERE state = 'released'
    """)
    op.execute("""
        CREATE TABLE drift_cursor (
            tenant_id uuid NOT NULL, msp_id uuid NOT NULL, connection_id uuid NOT NULL, record_key varchar NOT NULL,
            element varchar NOT NULL,
            CONSTRAINT pk_drift_cursor PRIMARY KEY (tenant_id, connection_id)
        )
    """)
    protect(op, "drift_cursor")


def downgrade() -> None:
    op.execute("DROP TABLE drift_cursor")
    op.execute("DROP INDEX ix_change_released")
    op.execute("DROP INDEX ix_governance_exception_correction")
    op.execute("ALTER TABLE governance_exception DROP COLUMN escalated_at")
