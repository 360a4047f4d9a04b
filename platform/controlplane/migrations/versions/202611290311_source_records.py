"""Which of a source's own records was last seen under which key."""

from alembic import op

from foundation.database.rls import protect

revision = "202611290311"
down_revision = "202611290305"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE source_record (
            tenant_id uuid NOT NULL, msp_id uuid NOT NULL, connection_id uuid NOT NULL, source_id varchar NOT NULL,
            record_key varchar NOT NULL, version bigint NOT NULL, source_event_id uuid NOT NULL,
            CONSTRAINT pk_source_record PRIMARY KEY (tenant_id, connection_id, source_id)
        )
    """)
    op.execute("CREATE INDEX ix_source_record_key ON source_record (tenant_id, connection_id, record_key)")
    protect(op, "source_record")


def downgrade() -> None:
    op.execute("DROP TABLE source_record")
