"""Recent usage is found without reading all of it."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TABLES = ("usage_event", "rated_usage")


def upgrade() -> None:
    for table in _TABLES:
        op.execute(
            f"CREATE INDEX ix_{table}_occurred ON {table} USING brin (tenant_id, occurred_at) WITH (autosummarize = on)"
        )


def downgrade() -> None:
    for table in _TABLES:
        op.execute(f"DROP INDEX ix_{table}_occurred")
