"""Webhook endpoints with their secrets, deliveries and attempts."""

from alembic import op

from foundation.database.rls import MSP, SAME_MSP, protect
from foundation.database.roles import APP, FLEET, PURGE

revision = "202611292244"
down_revision = "202611292214"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE webhook_endpoint (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    url varchar NOT NULL,
    description varchar NOT NULL,
    event_types varchar[] NOT NULL,
    state varchar NOT NULL,
    paused_for varchar,
    paused_at timestamptz,
    paused_by varchar,
    failing_since timestamptz,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    revision integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    created_by varchar NOT NULL,
    deleted_at timestamptz,
    CONSTRAINT pk_webhook_endpoint PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_webhook_endpoint_state CHECK (state IN ('active', 'paused'))
);

CREATE TABLE webhook_secret (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    ciphertext bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    CONSTRAINT pk_webhook_secret PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ix_webhook_secret_endpoint ON webhook_secret (tenant_id, endpoint_id);

CREATE TABLE webhook_delivery (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    endpoint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event_type varchar NOT NULL,
    source varchar NOT NULL,
    subject varchar NOT NULL,
    event_at timestamptz NOT NULL,
    data jsonb NOT NULL,
    state varchar NOT NULL,
    attempts smallint NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    replay_of uuid,
    CONSTRAINT pk_webhook_delivery PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ix_webhook_delivery_pending ON webhook_delivery (tenant_id, endpoint_id, seq) WHERE state = 'pending';
CREATE INDEX ix_webhook_delivery_endpoint ON webhook_delivery (tenant_id, endpoint_id, seq);
CREATE UNIQUE INDEX uq_webhook_delivery_event ON webhook_delivery (tenant_id, endpoint_id, event_id)
    WHERE replay_of IS NULL;

CREATE TABLE webhook_attempt (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    number smallint NOT NULL,
    at timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    outcome varchar NOT NULL,
    status_code smallint,
    response varchar NOT NULL,
    CONSTRAINT pk_webhook_attempt PRIMARY KEY (tenant_id, delivery_id, number)
);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(
        op,
        "webhook_endpoint",
        app="SELECT, INSERT, UPDATE (deleted_at, description, event_types, failing_since, last_failure_at,"
        " last_success_at, paused_for, paused_at, paused_by, revision, state, url)",
    )
    # The menu of an MSP is built in the fleet's scope, and marks endpoints that the product paused.
    op.execute(f"CREATE POLICY webhook_endpoint_fleet ON webhook_endpoint FOR SELECT TO {FLEET} USING ({SAME_MSP})")
    op.execute(f"GRANT SELECT (tenant_id, msp_id, state, paused_for, deleted_at) ON webhook_endpoint TO {FLEET}")
    # A client's transaction reads whether an endpoint of its MSP subscribes to an event.
    op.execute(
        f"CREATE POLICY webhook_endpoint_of_msp ON webhook_endpoint FOR SELECT TO {APP}"
        f" USING (tenant_id = {MSP} AND {SAME_MSP})"
    )
    protect(op, "webhook_secret", app="SELECT, INSERT, UPDATE (ciphertext, expires_at), DELETE")
    protect(op, "webhook_delivery", app="SELECT, INSERT, UPDATE (attempts, finished_at, next_at, state)")
    protect(op, "webhook_attempt")
    op.execute(f"GRANT DELETE ON webhook_delivery, webhook_attempt TO {PURGE}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
