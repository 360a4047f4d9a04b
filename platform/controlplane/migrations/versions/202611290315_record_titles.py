"""Names of products, as sources report them beside values: shown and searched on pages."""

from alembic import op

from foundation.database.rls import protect

revision = "202611290315"
down_revision = "202611290314"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE record_title (
            tenant_id uuid NOT NULL, msp_id uuid NOT NULL, record_key varchar NOT NULL, title varchar NOT NULL,
            search varchar NOT NULL,
            CONSTRAINT pk_record_title PRIMARY KEY (tenant_id, record_key)
        )
    """)
    protect(op, "record_title", app="SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.execute("DROP TABLE record_title")
