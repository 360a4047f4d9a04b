"""Packs of units that clients buy in advance, and the units that invoices draw from them."""

from alembic import op

from foundation.database.rls import protect

revision = "202611301850"
down_revision = "202611301845"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE unit_pack (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    name varchar NOT NULL,
    meter varchar NOT NULL,
    units numeric NOT NULL,
    price_minor bigint NOT NULL,
    currency varchar NOT NULL,
    first_month date NOT NULL,
    last_month date,
    priority integer NOT NULL,
    rollover_units numeric NOT NULL,
    low_units numeric NOT NULL,
    rolled_from uuid,
    reason varchar NOT NULL,
    sold_month date NOT NULL,
    sold_at timestamptz NOT NULL,
    sold_by varchar NOT NULL,
    noticed_at timestamptz,
    ended_as varchar,
    ended_at timestamptz,
    ended_by varchar,
    end_reason varchar,
    lost_units numeric NOT NULL DEFAULT 0,
    rolled_units numeric NOT NULL DEFAULT 0,
    CONSTRAINT pk_unit_pack PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_unit_pack_units CHECK (units > 0 AND price_minor >= 0 AND low_units >= 0
        AND rollover_units >= 0 AND rollover_units <= units),
    CONSTRAINT ck_unit_pack_months CHECK (last_month >= first_month),
    CONSTRAINT ck_unit_pack_end CHECK (ended_as IN ('expired', 'withdrawn') AND ended_at IS NOT NULL
        OR ended_as IS NULL AND ended_at IS NULL)
);

CREATE TABLE unit_draw (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    line_id uuid NOT NULL,
    pack_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    quantity numeric NOT NULL,
    CONSTRAINT pk_unit_draw PRIMARY KEY (tenant_id, line_id, pack_id),
    CONSTRAINT fk_unit_draw_tenant_id_unit_pack FOREIGN KEY (tenant_id, pack_id) REFERENCES unit_pack (tenant_id, id),
    CONSTRAINT ck_unit_draw_quantity CHECK (quantity <> 0)
);
CREATE INDEX ix_unit_draw_pack ON unit_draw (tenant_id, pack_id);
CREATE INDEX ix_unit_draw_invoice ON unit_draw (tenant_id, invoice_id);
"""
_END = "end_reason, ended_as, ended_at, ended_by, lost_units, noticed_at, rolled_units"


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "unit_pack", app=f"SELECT, INSERT, UPDATE ({_END})")
    protect(op, "unit_draw", app="SELECT, INSERT, DELETE")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
