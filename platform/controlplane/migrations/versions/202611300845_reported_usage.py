"""Meters that MSPs declare, and usage that other systems report."""

from alembic import op

from foundation.database.rls import MSP, SAME_MSP, protect
from foundation.database.roles import APP, PURGE

revision = "202611300845"
down_revision = "202611300835"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE meter_definition (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    code varchar NOT NULL,
    label varchar NOT NULL,
    unit varchar NOT NULL,
    created_at timestamptz NOT NULL,
    created_by varchar NOT NULL,
    retired_at timestamptz,
    retired_by varchar,
    CONSTRAINT pk_meter_definition PRIMARY KEY (tenant_id, code),
    CONSTRAINT ck_meter_definition_msp_account CHECK (tenant_id = msp_id)
);

CREATE TABLE reported_usage (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    meter varchar NOT NULL,
    source varchar NOT NULL,
    event_id varchar NOT NULL,
    quantity numeric NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    dimensions jsonb NOT NULL,
    reverses uuid,
    digest bytea NOT NULL,
    reported_by varchar NOT NULL,
    CONSTRAINT pk_reported_usage PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_reported_usage_quantity CHECK (abs(quantity) < 1e19 AND scale(quantity) <= 9),
    CONSTRAINT uq_reported_usage_tenant_id_source_event_id UNIQUE (tenant_id, source, event_id)
);
CREATE UNIQUE INDEX uq_reported_usage_reverses ON reported_usage (tenant_id, reverses) WHERE reverses IS NOT NULL;
CREATE INDEX ix_reported_usage_msp ON reported_usage (msp_id, id);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "meter_definition", app="SELECT, INSERT, UPDATE (retired_at, retired_by)", fleet=True)
    op.execute(
        f"CREATE POLICY meter_definition_inherited ON meter_definition FOR SELECT TO {APP}"
        f" USING (tenant_id = {MSP} AND {SAME_MSP})"
    )
    protect(op, "reported_usage", app="SELECT, INSERT", fleet=True)
    op.execute(f"GRANT DELETE ON reported_usage TO {PURGE}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
