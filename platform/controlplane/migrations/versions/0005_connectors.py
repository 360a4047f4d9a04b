"""Connections, their secrets, source events, poll cursors."""

from alembic import op

from foundation.database.rls import open_to_intake, protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE connection (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, id uuid NOT NULL, partner_id uuid,
    kind varchar NOT NULL, role varchar NOT NULL, name varchar NOT NULL, base_url varchar NOT NULL,
    settings jsonb NOT NULL, state varchar NOT NULL DEFAULT 'active',
    requests_per_second double precision NOT NULL, burst integer NOT NULL, created_at timestamptz NOT NULL,
    last_success_at timestamptz, last_failure_at timestamptz, last_error varchar,
    CONSTRAINT pk_connection PRIMARY KEY (tenant_id, id)
);
CREATE TABLE connection_secret (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, connection_id uuid NOT NULL, name varchar NOT NULL,
    ciphertext bytea NOT NULL,
    CONSTRAINT pk_connection_secret PRIMARY KEY (tenant_id, connection_id, name)
);
CREATE TABLE source_event (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, id uuid NOT NULL, connection_id uuid NOT NULL,
    dedupe_key varchar NOT NULL, body_hash bytea NOT NULL, body bytea NOT NULL, content_type varchar NOT NULL,
    via varchar NOT NULL, received_at timestamptz NOT NULL, correlation varchar NOT NULL,
    CONSTRAINT pk_source_event PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_source_event_tenant_id_connection_id_dedupe_key UNIQUE (tenant_id, connection_id, dedupe_key)
);
CREATE TABLE poll_cursor (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, connection_id uuid NOT NULL, cursor varchar NOT NULL,
    polled_at timestamptz NOT NULL,
    CONSTRAINT pk_poll_cursor PRIMARY KEY (tenant_id, connection_id)
);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "connection", partner="own", fleet=True)
    protect(op, "connection_secret")
    protect(op, "source_event", app="SELECT, INSERT")
    protect(op, "poll_cursor")
    # Intake looks a connection up before it knows the tenant; it never sees bodies, settings or other secrets' use.
    open_to_intake(op, "connection", grant="SELECT (tenant_id, msp_id, id, kind, state)")
    open_to_intake(op, "connection_secret", grant="SELECT")
    open_to_intake(op, "source_event", grant="SELECT (tenant_id, id, connection_id, dedupe_key, body_hash), INSERT")


def downgrade() -> None:
    for table in ("poll_cursor", "source_event", "connection_secret", "connection"):
        op.execute(f"DROP TABLE {table}")
