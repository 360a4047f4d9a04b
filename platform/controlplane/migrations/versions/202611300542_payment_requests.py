"""Requests to payment providers."""

from alembic import op

from foundation.database.rls import protect

revision = "202611300542"
down_revision = "202611300512"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE payment_request (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    account_id uuid NOT NULL,
    key varchar NOT NULL,
    body_hash bytea NOT NULL,
    state varchar NOT NULL,
    external_id varchar NOT NULL DEFAULT '',
    answer jsonb NOT NULL DEFAULT '{}',
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT pk_payment_request PRIMARY KEY (tenant_id, account_id, key),
    CONSTRAINT ck_payment_request_state CHECK (state IN ('pending', 'done', 'refused'))
);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    changed = "answer, attempts, external_id, finished_at, state"
    protect(op, "payment_request", app=f"SELECT, INSERT, UPDATE ({changed})")


def downgrade() -> None:
    op.execute("DROP TABLE payment_request")
