"""The governance room's base: contracts, governed values, changes, propagations, channels, exceptions, baselines."""

from alembic import op

from foundation.database.partitions import open_partitions
from foundation.database.rls import NO_PARTNER, PARTNER, protect

revision = "202611290947"
down_revision = "202611290946"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE element_contract (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    element varchar NOT NULL,
    source_connection_id uuid,  -- NULL: the element is set here, by people and API clients
    owner varchar NOT NULL,
    workflow varchar NOT NULL,
    propagation_slo_ms integer NOT NULL,
    correction_slo_ms integer NOT NULL,
    approval_ttl_s integer NOT NULL,
    version integer NOT NULL,
    published_at timestamptz NOT NULL,
    clocks_from timestamptz,  -- no clock runs out while the client is suspended
    decision_slo_ms bigint NOT NULL DEFAULT 86400000,
    CONSTRAINT pk_element_contract PRIMARY KEY (tenant_id, element)
);

CREATE TABLE record_value (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    record_key varchar NOT NULL,
    element varchar NOT NULL,
    source_amount bigint NOT NULL,
    source_currency varchar NOT NULL,
    source_version bigint NOT NULL,
    source_event_id uuid,
    amount bigint,
    currency varchar,
    version bigint NOT NULL,
    change_id uuid,
    source_connection_id uuid,  -- versions count within one connection
    source_committed_at timestamptz,
    CONSTRAINT pk_record_value PRIMARY KEY (tenant_id, record_key, element)
) WITH (fillfactor = 70);

-- Which of a source's own records was last seen under which key.
CREATE TABLE source_record (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    source_id varchar NOT NULL,
    record_key varchar NOT NULL,
    version bigint NOT NULL,
    source_event_id uuid NOT NULL,
    CONSTRAINT pk_source_record PRIMARY KEY (tenant_id, connection_id, source_id)
);
CREATE INDEX ix_source_record_key ON source_record (tenant_id, connection_id, record_key);

-- Names of products, as sources report them beside values: shown and searched on pages.
CREATE TABLE record_title (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    record_key varchar NOT NULL,
    title varchar NOT NULL,
    search varchar NOT NULL,
    CONSTRAINT pk_record_title PRIMARY KEY (tenant_id, record_key)
);

CREATE TABLE change (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    record_key varchar NOT NULL,
    element varchar NOT NULL,
    old_amount bigint,
    old_currency varchar,
    new_amount bigint NOT NULL,
    new_currency varchar NOT NULL,
    source_version bigint NOT NULL,
    version bigint,
    origin varchar NOT NULL,
    author varchar NOT NULL,
    state varchar NOT NULL,
    outcome varchar NOT NULL,
    rule_id varchar NOT NULL,
    reason varchar NOT NULL,
    policy_version bigint NOT NULL,
    cost_amount bigint,
    targets uuid[],
    approval_id uuid,
    source_event_id uuid,
    committed_at timestamptz NOT NULL,
    proposed_at timestamptz NOT NULL,
    correlation varchar NOT NULL,
    maker varchar NOT NULL DEFAULT '',  -- who made the key that proposed it; may not approve it
    decided_at timestamptz,
    decision_excluded interval NOT NULL DEFAULT '0',
    CONSTRAINT pk_change PRIMARY KEY (tenant_id, id)
) PARTITION BY RANGE (id);
CREATE INDEX ix_change_awaiting_approval ON change (tenant_id, record_key, element) WHERE state = 'awaiting_approval';
-- A record's changes of every state: nearly all are released, so it costs what an index of the released ones did.
CREATE INDEX ix_change_record ON change (tenant_id, record_key, element, version);

CREATE TABLE propagation (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    change_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    partner_id uuid,
    id uuid NOT NULL,
    record_key varchar NOT NULL,
    element varchar NOT NULL,
    amount bigint NOT NULL,
    currency varchar NOT NULL,
    version bigint NOT NULL,
    state varchar NOT NULL,
    attempts smallint NOT NULL DEFAULT 0,
    committed_at timestamptz NOT NULL,
    slo_due_at timestamptz NOT NULL,
    breached boolean NOT NULL DEFAULT false,
    accepted_at timestamptz,
    verified_at timestamptz,
    read_amount bigint,
    previous_amount bigint,
    previous_currency varchar,
    error varchar,
    released_at timestamptz NOT NULL DEFAULT now(),
    excluded interval NOT NULL DEFAULT '0',
    excluded_until timestamptz,
    sent_at timestamptz,  -- when it first may have taken effect, although no acceptance is on record
    CONSTRAINT pk_propagation PRIMARY KEY (tenant_id, change_id, connection_id)
) PARTITION BY RANGE (change_id);
-- A propagation's clock runs until it is verified or superseded, also while it is held, refused or failed.
CREATE INDEX ix_propagation_clock ON propagation (tenant_id, slo_due_at)
    WHERE NOT breached AND state NOT IN ('verified', 'superseded');
-- Most clients have no partners: their propagations are not in this index.
CREATE INDEX ix_propagation_partner ON propagation (tenant_id, partner_id, change_id) WHERE partner_id IS NOT NULL;
CREATE INDEX ix_propagation_running ON propagation (tenant_id, connection_id, record_key, element)
    WHERE state NOT IN ('verified', 'superseded');

CREATE TABLE channel_value (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    record_key varchar NOT NULL,
    element varchar NOT NULL,
    partner_id uuid,
    amount bigint NOT NULL,
    currency varchar NOT NULL,
    version bigint NOT NULL,
    change_id uuid,  -- NULL: seen by a baseline
    seen_at timestamptz NOT NULL,
    CONSTRAINT pk_channel_value PRIMARY KEY (tenant_id, connection_id, record_key, element)
) WITH (fillfactor = 70);

-- The last key that the drift check has read on a channel.
CREATE TABLE drift_cursor (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    record_key varchar NOT NULL,
    element varchar NOT NULL,
    CONSTRAINT pk_drift_cursor PRIMARY KEY (tenant_id, connection_id)
);

CREATE TABLE governance_exception (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    code varchar NOT NULL,
    subject varchar NOT NULL,
    title varchar NOT NULL,
    detail varchar NOT NULL,
    severity smallint NOT NULL,
    breakdown jsonb NOT NULL,
    state varchar NOT NULL,
    record_key varchar,
    element varchar,
    connection_id uuid,
    change_id uuid,
    source_event_id uuid,
    occurrences integer NOT NULL DEFAULT 1,
    opened_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    correction_due_at timestamptz NOT NULL,
    closed_at timestamptz,
    closed_by varchar,
    correlation varchar NOT NULL,
    escalated_at timestamptz,
    CONSTRAINT pk_governance_exception PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ix_governance_exception_correction ON governance_exception (tenant_id, correction_due_at)
    WHERE state = 'open' AND escalated_at IS NULL;
CREATE INDEX ix_governance_exception_record ON governance_exception (tenant_id, record_key, element)
    WHERE state = 'open';
CREATE INDEX ix_governance_exception_state ON governance_exception (tenant_id, state, severity);
CREATE UNIQUE INDEX uq_governance_exception_open ON governance_exception (tenant_id, code, subject)
    WHERE state = 'open';

-- Observations without a contract, until one is published.
CREATE TABLE held_observation (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    element varchar NOT NULL,
    record_key varchar NOT NULL,
    source_event_id uuid NOT NULL,
    source_version bigint NOT NULL,
    held_at timestamptz NOT NULL,
    CONSTRAINT pk_held_observation PRIMARY KEY (tenant_id, connection_id, element, record_key)
);

CREATE TABLE baseline (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    state varchar NOT NULL,
    started_at timestamptz NOT NULL,
    started_by varchar NOT NULL,
    read_at timestamptz,
    decided_at timestamptz,
    decided_by varchar,
    decider varchar,
    finished_at timestamptz,
    after varchar NOT NULL DEFAULT '',
    accepted integer NOT NULL DEFAULT 0,
    proven integer NOT NULL DEFAULT 0,
    automatic integer NOT NULL DEFAULT 0,
    awaiting integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    overtaken integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_baseline PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX uq_baseline_open ON baseline (tenant_id) WHERE state IN ('reading', 'ready', 'accepting');

CREATE TABLE baseline_part (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    baseline_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    role varchar NOT NULL,
    state varchar NOT NULL,
    listed boolean NOT NULL DEFAULT false,
    cursor varchar NOT NULL DEFAULT '',
    equal integer NOT NULL DEFAULT 0,
    differs integer NOT NULL DEFAULT 0,
    source_only integer NOT NULL DEFAULT 0,
    channel_only integer NOT NULL DEFAULT 0,
    below_cost integer NOT NULL DEFAULT 0,
    auto integer NOT NULL DEFAULT 0,
    review integer NOT NULL DEFAULT 0,
    refuse integer NOT NULL DEFAULT 0,
    error varchar,
    walk jsonb,
    unkeyed integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_baseline_part PRIMARY KEY (tenant_id, baseline_id, connection_id)
);

CREATE TABLE baseline_item (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    baseline_id uuid NOT NULL,
    record_key varchar NOT NULL,
    element varchar NOT NULL,
    connection_id uuid,
    amount bigint,
    currency varchar,
    source_version bigint,
    source_event_id uuid,
    unreadable varchar,  -- what the source said, when that was no exact value
    CONSTRAINT pk_baseline_item PRIMARY KEY (tenant_id, baseline_id, record_key, element)
);

CREATE TABLE baseline_reading (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    baseline_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    record_key varchar NOT NULL,
    element varchar NOT NULL,
    amount bigint,
    currency varchar,
    version bigint,
    verdict varchar NOT NULL,
    outcome varchar,
    below_cost boolean NOT NULL,
    seen_at timestamptz NOT NULL,
    change_id uuid,
    unreadable varchar,  -- what the channel showed, when that was no exact value
    CONSTRAINT pk_baseline_reading PRIMARY KEY (tenant_id, baseline_id, connection_id, record_key, element)
);
CREATE INDEX ix_baseline_reading_below_cost ON baseline_reading
    (tenant_id, baseline_id, record_key, element, connection_id)
    WHERE below_cost;
CREATE INDEX ix_baseline_reading_verdict ON baseline_reading
    (tenant_id, baseline_id, verdict, record_key, element, connection_id);
"""

# Partners see the names of records on their own channels, delivered or pending. Each check is one index look-up.
_OWN_CHANNELS = (
    f"SELECT n.id FROM connection n WHERE n.tenant_id = record_title.tenant_id AND n.partner_id = (SELECT {PARTNER})"
)
_ON_CHANNEL = (
    "EXISTS (SELECT 1 FROM {0} o WHERE o.tenant_id = record_title.tenant_id AND o.record_key = record_title.record_key"
    f" AND o.connection_id IN ({_OWN_CHANNELS})" + "{1})"
)
_NAMES_VISIBLE = " OR ".join((
    NO_PARTNER,
    _ON_CHANNEL.format("channel_value", ""),
    _ON_CHANNEL.format("propagation", " AND o.state NOT IN ('verified', 'superseded')"),
))  # fmt: skip


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "element_contract", fleet=True)
    protect(op, "change", fleet=True)
    protect(op, "propagation", partner="own", fleet=True)
    protect(op, "channel_value", partner="own")
    protect(op, "governance_exception", fleet=True)
    protect(op, "record_title", app="SELECT, INSERT, UPDATE")
    op.execute(f"ALTER POLICY record_title_partner ON record_title USING ({_NAMES_VISIBLE})")
    for table in ("record_value", "source_record", "drift_cursor", "held_observation"):
        protect(op, table)
    for table in ("baseline", "baseline_part", "baseline_item", "baseline_reading"):
        protect(op, table)
    open_partitions(op.get_bind(), "change", "propagation", storage={"propagation": "fillfactor = 70"})


def downgrade() -> None:
    """Not offered: the base creates the tables, so a downgrade would delete every row."""
    raise NotImplementedError("A base cannot be taken back. Restore a backup instead.")
