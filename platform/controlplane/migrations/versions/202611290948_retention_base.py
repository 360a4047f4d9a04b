"""Retention's base, of the governance room: policies, defaults, legal holds, the log of removals."""

from alembic import op

from foundation.database.rls import MSP, protect
from foundation.database.roles import APP

revision = "202611290948"
down_revision = "202611290947"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE retention_policy (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    data_class varchar NOT NULL,
    element varchar NOT NULL DEFAULT '',
    keep_days integer NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by varchar NOT NULL,
    CONSTRAINT pk_retention_policy PRIMARY KEY (tenant_id, data_class, element),
    CONSTRAINT ck_retention_policy_keep_days CHECK (keep_days > 0)
);

CREATE TABLE retention_default (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    data_class varchar NOT NULL,
    keep_days integer NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by varchar NOT NULL,
    CONSTRAINT pk_retention_default PRIMARY KEY (tenant_id, data_class),
    CONSTRAINT ck_retention_default_house CHECK (tenant_id = msp_id),
    CONSTRAINT ck_retention_default_keep_days CHECK (keep_days > 0)
);

CREATE TABLE legal_hold (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    data_class varchar NOT NULL DEFAULT '',
    record_key varchar NOT NULL DEFAULT '',
    reason varchar NOT NULL,
    placed_at timestamptz NOT NULL,
    placed_by varchar NOT NULL,
    released_at timestamptz,
    released_by varchar,
    release_reason varchar,
    CONSTRAINT pk_legal_hold PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ix_legal_hold_open ON legal_hold (tenant_id) WHERE released_at IS NULL;

CREATE TABLE retention_purge (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    data_class varchar NOT NULL,
    table_name varchar NOT NULL,
    before timestamptz NOT NULL,
    removed bigint NOT NULL,
    kept bigint NOT NULL,
    partition varchar NOT NULL DEFAULT '',
    purged_at timestamptz NOT NULL,
    CONSTRAINT pk_retention_purge PRIMARY KEY (tenant_id, id)
);
"""

# The owner drops partitions, so in that transaction it must read legal holds, and log what it removed.
_OWNER = """
CREATE POLICY retention_policy_owner ON retention_policy FOR SELECT TO pg_database_owner USING (true);
CREATE POLICY retention_default_owner ON retention_default FOR SELECT TO pg_database_owner USING (true);
CREATE POLICY legal_hold_owner ON legal_hold FOR SELECT TO pg_database_owner USING (true);
CREATE POLICY retention_purge_owner ON retention_purge FOR INSERT TO pg_database_owner WITH CHECK (true);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "retention_policy")
    protect(op, "retention_default")
    protect(op, "legal_hold", app="SELECT, INSERT, UPDATE")
    protect(op, "retention_purge", app="SELECT, INSERT")
    op.execute(_OWNER)
    # A client's rules are its MSP's too: they are read with this setting, inside a savepoint.
    op.execute(
        f"CREATE POLICY retention_default_rules ON retention_default FOR SELECT TO {APP}"
        f" USING (msp_id = {MSP} AND current_setting('app.retention', true) = 'rules')"
    )
    # Time of the schema's creation, in place of the last run until there is one.
    op.execute("INSERT INTO installation (name, value, recorded_at) VALUES ('last_retention', '{}', clock_timestamp())")


def downgrade() -> None:
    """Not offered: the base creates the tables, so a downgrade would delete every row."""
    raise NotImplementedError("A base cannot be taken back. Restore a backup instead.")
