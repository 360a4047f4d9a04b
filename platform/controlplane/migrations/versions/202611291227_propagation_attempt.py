"""Delivery attempts: a row for each push of each value, written before the request is sent."""

from alembic import op

from foundation.database.partitions import open_partitions
from foundation.database.rls import protect
from foundation.database.roles import APP

revision = "202611291227"
down_revision = "202611291226"
branch_labels = None
depends_on = None

# Partitioned as the change, with which it is found and removed. Completing a row stays within its page.
_TABLE = """
CREATE TABLE propagation_attempt (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    change_id uuid NOT NULL,
    id uuid NOT NULL,
    connection_id uuid NOT NULL,
    record_key varchar NOT NULL,
    element varchar NOT NULL,
    sent jsonb NOT NULL,
    is_retry boolean NOT NULL,
    started_at timestamptz NOT NULL,
    answered_at timestamptz,
    outcome varchar,
    status_code smallint,
    detail varchar,
    retry_after real,
    duration_ms integer,
    bytes integer,
    read jsonb,
    CONSTRAINT pk_propagation_attempt PRIMARY KEY (tenant_id, change_id, id)
) PARTITION BY RANGE (change_id)
"""
_ANSWER = "answered_at, outcome, status_code, detail, retry_after, duration_ms, bytes, read"


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "propagation_attempt", app=f"SELECT, INSERT, UPDATE ({_ANSWER}), DELETE")
    # An answer is recorded once; an attempt that was never sent is unmarked.
    for verb, check in (("UPDATE", "WITH CHECK (true)"), ("DELETE", "")):
        op.execute(
            f"CREATE POLICY propagation_attempt_unanswered_{verb.lower()} ON propagation_attempt AS RESTRICTIVE"
            f" FOR {verb} TO {APP} USING (answered_at IS NULL) {check}"
        )
    open_partitions(op.get_bind(), "propagation_attempt", storage={"propagation_attempt": "fillfactor = 70"})


def downgrade() -> None:
    raise NotImplementedError("The attempts would be gone. Restore a backup instead.")
