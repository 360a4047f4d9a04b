"""Element contracts, governed values, changes, propagations, channel values, exceptions."""

from alembic import op

from foundation.database.rls import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE element_contract (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, element varchar NOT NULL, source_connection_id uuid NOT NULL,
    owner varchar NOT NULL, workflow varchar NOT NULL, propagation_slo_ms integer NOT NULL,
    correction_slo_ms integer NOT NULL, approval_ttl_s integer NOT NULL, version integer NOT NULL,
    published_at timestamptz NOT NULL,
    CONSTRAINT pk_element_contract PRIMARY KEY (tenant_id, element)
);
CREATE TABLE record_value (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, record_key varchar NOT NULL, element varchar NOT NULL,
    source_amount bigint NOT NULL, source_currency varchar NOT NULL, source_version bigint NOT NULL,
    source_event_id uuid, amount bigint, currency varchar, version bigint NOT NULL, change_id uuid,
    CONSTRAINT pk_record_value PRIMARY KEY (tenant_id, record_key, element)
) WITH (fillfactor = 70);
CREATE TABLE change (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, id uuid NOT NULL, record_key varchar NOT NULL,
    element varchar NOT NULL, old_amount bigint, old_currency varchar, new_amount bigint NOT NULL,
    new_currency varchar NOT NULL, source_version bigint NOT NULL, version bigint, origin varchar NOT NULL,
    author varchar NOT NULL, state varchar NOT NULL, outcome varchar NOT NULL, rule_id varchar NOT NULL,
    reason varchar NOT NULL, policy_version bigint NOT NULL, cost_amount bigint, targets uuid[], approval_id uuid,
    source_event_id uuid, committed_at timestamptz NOT NULL, proposed_at timestamptz NOT NULL,
    correlation varchar NOT NULL,
    CONSTRAINT pk_change PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ix_change_awaiting_approval ON change (tenant_id, record_key, element) WHERE state = 'awaiting_approval';
CREATE TABLE propagation (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, change_id uuid NOT NULL, connection_id uuid NOT NULL,
    partner_id uuid, id uuid NOT NULL, record_key varchar NOT NULL, element varchar NOT NULL, amount bigint NOT NULL,
    currency varchar NOT NULL, version bigint NOT NULL, state varchar NOT NULL, attempts smallint NOT NULL DEFAULT 0,
    committed_at timestamptz NOT NULL, slo_due_at timestamptz NOT NULL, breached boolean NOT NULL DEFAULT false,
    accepted_at timestamptz, verified_at timestamptz, read_amount bigint, previous_amount bigint,
    previous_currency varchar, error varchar,
    CONSTRAINT pk_propagation PRIMARY KEY (tenant_id, change_id, connection_id)
) WITH (fillfactor = 70);
CREATE INDEX ix_propagation_clock ON propagation (tenant_id, slo_due_at)
    WHERE NOT breached AND state IN ('pending', 'accepted');
CREATE TABLE channel_value (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, connection_id uuid NOT NULL, record_key varchar NOT NULL,
    element varchar NOT NULL, partner_id uuid, amount bigint NOT NULL, currency varchar NOT NULL,
    version bigint NOT NULL, change_id uuid NOT NULL, seen_at timestamptz NOT NULL,
    CONSTRAINT pk_channel_value PRIMARY KEY (tenant_id, connection_id, record_key, element)
) WITH (fillfactor = 70);
CREATE TABLE governance_exception (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, id uuid NOT NULL, code varchar NOT NULL, subject varchar NOT NULL,
    title varchar NOT NULL, detail varchar NOT NULL, severity smallint NOT NULL, breakdown jsonb NOT NULL,
    state varchar NOT NULL, record_key varchar, element varchar, connection_id uuid, change_id uuid,
    source_event_id uuid, occurrences integer NOT NULL DEFAULT 1, opened_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL, correction_due_at timestamptz NOT NULL, closed_at timestamptz, closed_by varchar,
    correlation varchar NOT NULL,
    CONSTRAINT pk_governance_exception PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX uq_governance_exception_open ON governance_exception (tenant_id, code, subject)
    WHERE state = 'open';
CREATE INDEX ix_governance_exception_state ON governance_exception (tenant_id, state, severity);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "element_contract", fleet=True)
    protect(op, "record_value")
    protect(op, "change", fleet=True)
    protect(op, "propagation", partner="own", fleet=True)
    protect(op, "channel_value", partner="own")
    protect(op, "governance_exception", fleet=True)


def downgrade() -> None:
    for table in (
        "governance_exception", "channel_value", "propagation", "change", "record_value", "element_contract",
    ):  # fmt: skip
        op.execute(f"DROP TABLE {table}")
