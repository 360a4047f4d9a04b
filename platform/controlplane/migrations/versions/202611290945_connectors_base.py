"""The connectors room's base: connections, their secrets, source events, poll cursors, and the rights of intake."""

from alembic import op

from foundation.database.partitions import open_partitions
from foundation.database.rls import open_to_intake, protect
from foundation.database.roles import APP, INTAKE

revision = "202611290945"
down_revision = "202611290944"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE connection (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    partner_id uuid,
    kind varchar NOT NULL,
    role varchar NOT NULL,
    name varchar NOT NULL,
    base_url varchar NOT NULL,
    settings jsonb NOT NULL,
    state varchar NOT NULL DEFAULT 'active',
    requests_per_second double precision NOT NULL,
    burst integer NOT NULL,
    created_at timestamptz NOT NULL,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    last_error varchar,
    paused_at timestamptz,
    missing_since timestamptz,  -- since when a channel may lack values
    CONSTRAINT pk_connection PRIMARY KEY (tenant_id, id)
);

CREATE TABLE connection_secret (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    name varchar NOT NULL,
    ciphertext bytea NOT NULL,
    CONSTRAINT pk_connection_secret PRIMARY KEY (tenant_id, connection_id, name)
);

CREATE TABLE source_event (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    connection_id uuid NOT NULL,
    dedupe_key varchar NOT NULL,
    body_hash bytea NOT NULL,
    body bytea NOT NULL,
    content_type varchar NOT NULL,
    via varchar NOT NULL,
    received_at timestamptz NOT NULL,
    correlation varchar NOT NULL,
    CONSTRAINT pk_source_event PRIMARY KEY (tenant_id, id)
) PARTITION BY RANGE (id);

-- The keys by which a repeated delivery is recognised. A unique constraint of a partitioned table must have the
-- partition key, so they are in a narrow table of their own, which is not partitioned.
CREATE TABLE source_event_key (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    dedupe_key varchar NOT NULL,
    body_hash bytea NOT NULL,
    event_id uuid NOT NULL,
    via varchar NOT NULL,
    CONSTRAINT pk_source_event_key PRIMARY KEY (tenant_id, connection_id, dedupe_key)
);

CREATE TABLE poll_cursor (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    cursor varchar NOT NULL,
    polled_at timestamptz NOT NULL,
    walk jsonb,
    CONSTRAINT pk_poll_cursor PRIMARY KEY (tenant_id, connection_id)
);
"""

_SEEN = "tenant_id, connection_id, dedupe_key, body_hash"
_FITS = (
    "EXISTS (SELECT 1 FROM connection c WHERE c.tenant_id = {t}.tenant_id AND c.msp_id = {t}.msp_id AND c.id = {id})"
)
_EVENT = "via = 'webhook' AND " + _FITS
_JOB = (
    "kind = 'governance.ingest' AND ref IS NOT NULL AND lane = 'ingest/' || key"
    " AND (body IS NULL OR body = '{{\"id_conflict\": true}}') AND " + _FITS
)
# A row younger than the shortest retention period cannot be deleted: `event_id` is a UUIDv7.
_OLD = (
    "event_id < (lpad(to_hex((extract(epoch FROM now() - interval '90 days') * 1000)::bigint), 12, '0')"
    " || repeat('0', 20))::uuid"
)


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "connection", partner="own", fleet=True)
    protect(op, "connection_secret")
    protect(op, "source_event", app="SELECT, INSERT")
    protect(op, "source_event_key", app="SELECT, INSERT, DELETE")
    protect(op, "poll_cursor")
    op.execute(
        f"CREATE POLICY source_event_key_old ON source_event_key AS RESTRICTIVE FOR DELETE TO {APP} USING ({_OLD})"
    )
    _open_to_intake()
    open_partitions(op.get_bind(), "source_event")


def _open_to_intake() -> None:
    """Rights of intake: it looks up connections before the tenant is known, without bodies, settings or other secrets.
    A check of each row admits only webhooks of connections that accept them, and their jobs.
    """
    open_to_intake(op, "connection", columns="tenant_id, msp_id, id, kind, state")
    open_to_intake(op, "connection_secret", visible="name IN ('webhook_secret', 'webhook_secret.previous')")
    open_to_intake(op, "source_event", columns=f"id, {_SEEN}")
    open_to_intake(op, "source_event_key", columns=f"event_id, {_SEEN}")
    for table in ("source_event", "source_event_key"):
        fits = _EVENT.format(t=table, id=f"{table}.connection_id")
        op.execute(f"CREATE POLICY {table}_{INTAKE}_insert ON {table} FOR INSERT TO {INTAKE} WITH CHECK ({fits})")
        op.execute(f"GRANT INSERT ON {table} TO {INTAKE}")
    fits = _JOB.format(t="work", id="work.key::uuid")
    op.execute(f"CREATE POLICY work_{INTAKE} ON work FOR INSERT TO {INTAKE} WITH CHECK ({fits})")
    op.execute(f"GRANT INSERT (tenant_id, msp_id, lane, kind, key, ref, body, correlation) ON work TO {INTAKE}")


def downgrade() -> None:
    """Not offered: the base creates the tables, so a downgrade would delete every row."""
    raise NotImplementedError("A base cannot be taken back. Restore a backup instead.")
