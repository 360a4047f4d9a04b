"""Baselines: sources and channels compared; a value can be approved, and seen on a channel, without a change."""

from alembic import op

from foundation.database.rls import protect

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE baseline (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, id uuid NOT NULL, state varchar NOT NULL,
    started_at timestamptz NOT NULL, started_by varchar NOT NULL, read_at timestamptz, decided_at timestamptz,
    decided_by varchar, decider varchar, finished_at timestamptz, after varchar NOT NULL DEFAULT '',
    accepted integer NOT NULL DEFAULT 0, proven integer NOT NULL DEFAULT 0, automatic integer NOT NULL DEFAULT 0,
    awaiting integer NOT NULL DEFAULT 0, refused integer NOT NULL DEFAULT 0, overtaken integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_baseline PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX uq_baseline_open ON baseline (tenant_id) WHERE state IN ('reading', 'ready', 'accepting');
CREATE TABLE baseline_part (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, baseline_id uuid NOT NULL, connection_id uuid NOT NULL,
    role varchar NOT NULL, state varchar NOT NULL, listed boolean NOT NULL DEFAULT false,
    cursor varchar NOT NULL DEFAULT '', equal integer NOT NULL DEFAULT 0, differs integer NOT NULL DEFAULT 0,
    source_only integer NOT NULL DEFAULT 0, channel_only integer NOT NULL DEFAULT 0,
    below_cost integer NOT NULL DEFAULT 0, auto integer NOT NULL DEFAULT 0, review integer NOT NULL DEFAULT 0,
    refuse integer NOT NULL DEFAULT 0, error varchar,
    CONSTRAINT pk_baseline_part PRIMARY KEY (tenant_id, baseline_id, connection_id)
);
CREATE TABLE baseline_item (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, baseline_id uuid NOT NULL, record_key varchar NOT NULL,
    element varchar NOT NULL, connection_id uuid, amount bigint, currency varchar, source_version bigint,
    source_event_id uuid,
    CONSTRAINT pk_baseline_item PRIMARY KEY (tenant_id, baseline_id, record_key, element)
);
CREATE TABLE baseline_reading (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, baseline_id uuid NOT NULL, connection_id uuid NOT NULL,
    record_key varchar NOT NULL, element varchar NOT NULL, amount bigint, currency varchar, version bigint,
    verdict varchar NOT NULL, outcome varchar, below_cost boolean NOT NULL, seen_at timestamptz NOT NULL,
    change_id uuid,
    CONSTRAINT pk_baseline_reading PRIMARY KEY (tenant_id, baseline_id, connection_id, record_key, element)
);
CREATE INDEX ix_baseline_reading_verdict ON baseline_reading
    (tenant_id, baseline_id, verdict, record_key, element, connection_id);
CREATE INDEX ix_baseline_reading_below_cost ON baseline_reading
    (tenant_id, baseline_id, record_key, element, connection_id) WHERE below_cost;
ALTER TABLE channel_value ALTER COLUMN change_id DROP NOT NULL;
"""


def upgrade() -> None:
    op.execute(_TABLES)
    for table in ("baseline", "baseline_part", "baseline_item", "baseline_reading"):
        protect(op, table)


def downgrade() -> None:
    op.execute("DELETE FROM channel_value WHERE change_id IS NULL")
    op.execute("ALTER TABLE channel_value ALTER COLUMN change_id SET NOT NULL")
    for table in ("baseline_reading", "baseline_item", "baseline_part", "baseline"):
        op.execute(f"DROP TABLE {table}")
