"""Open exceptions are found by the record they are about."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE INDEX ix_governance_exception_record ON governance_exception (tenant_id, record_key, element)
         WHERE state = 'open'
    """)


def downgrade() -> None:
    op.execute("DROP INDEX ix_governance_exception_record")
