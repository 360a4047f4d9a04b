"""Answers kept under their requests' idempotency keys."""

from alembic import op

from foundation.database.rls import protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE idempotency_key (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, actor_id varchar NOT NULL, key varchar NOT NULL,
    kept bytea NOT NULL, created_at timestamptz NOT NULL,
    CONSTRAINT pk_idempotency_key PRIMARY KEY (tenant_id, actor_id, key)
);
CREATE INDEX ix_idempotency_key_created_at ON idempotency_key (tenant_id, created_at);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "idempotency_key")


def downgrade() -> None:
    op.execute("DROP TABLE idempotency_key")
