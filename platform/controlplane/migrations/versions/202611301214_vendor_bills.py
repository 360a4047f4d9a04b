"""Bills of vendors, their files, and the mappings of their clients and products to ours."""

from alembic import op

from foundation.database.rls import protect

revision = "202611301214"
down_revision = "202611301213"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE vendor_bill (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    month varchar NOT NULL,
    vendor varchar NOT NULL,
    number varchar NOT NULL,
    created_at timestamptz NOT NULL,
    created_by varchar NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_by varchar,
    CONSTRAINT pk_vendor_bill PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_vendor_bill_msp_account CHECK (tenant_id = msp_id),
    CONSTRAINT ck_vendor_bill_month CHECK (month ~ '^[0-9]{4}-[0-9]{2}$')
);
CREATE UNIQUE INDEX uq_vendor_bill_number ON vendor_bill (tenant_id, vendor, number) WHERE withdrawn_at IS NULL;
CREATE INDEX ix_vendor_bill_month ON vendor_bill (tenant_id, month);

CREATE TABLE vendor_bill_line (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    bill_id uuid NOT NULL,
    line varchar NOT NULL,
    vendor varchar NOT NULL,
    client_key varchar NOT NULL,
    client_name varchar NOT NULL,
    product_code varchar NOT NULL,
    description varchar NOT NULL,
    quantity numeric NOT NULL,
    unit_cost numeric NOT NULL,
    amount numeric NOT NULL,
    currency varchar NOT NULL,
    service_from date,
    service_to date,
    digest bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_vendor_bill_line PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_vendor_bill_line_tenant_id_bill_id_line UNIQUE (tenant_id, bill_id, line),
    CONSTRAINT fk_vendor_bill_line_tenant_id_bill_id_vendor_bill FOREIGN KEY (tenant_id, bill_id)
        REFERENCES vendor_bill (tenant_id, id),
    CONSTRAINT ck_vendor_bill_line_msp_account CHECK (tenant_id = msp_id)
);

CREATE TABLE vendor_upload (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    month varchar NOT NULL,
    vendor varchar NOT NULL,
    file bytea NOT NULL,
    sha256 bytea NOT NULL,
    rows integer NOT NULL,
    wrong integer NOT NULL,
    uploaded_at timestamptz NOT NULL,
    uploaded_by varchar NOT NULL,
    stored_at timestamptz,
    stored_by varchar,
    CONSTRAINT pk_vendor_upload PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_vendor_upload_tenant_id_month_vendor_sha256 UNIQUE (tenant_id, month, vendor, sha256),
    CONSTRAINT ck_vendor_upload_msp_account CHECK (tenant_id = msp_id),
    CONSTRAINT ck_vendor_upload_month CHECK (month ~ '^[0-9]{4}-[0-9]{2}$')
);

CREATE TABLE vendor_mapping (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    kind varchar NOT NULL,
    vendor varchar NOT NULL,
    key varchar NOT NULL,
    client_id uuid,
    meter varchar,
    factor numeric NOT NULL DEFAULT 1,
    is_ignored boolean NOT NULL,
    set_at timestamptz NOT NULL,
    set_by varchar NOT NULL,
    CONSTRAINT pk_vendor_mapping PRIMARY KEY (tenant_id, kind, vendor, key),
    CONSTRAINT ck_vendor_mapping_msp_account CHECK (tenant_id = msp_id),
    CONSTRAINT ck_vendor_mapping_kind CHECK (kind IN ('client', 'product')),
    CONSTRAINT ck_vendor_mapping_target CHECK (is_ignored = (num_nonnulls(client_id, meter) = 0)),
    CONSTRAINT ck_vendor_mapping_target_kind CHECK (
        CASE kind WHEN 'client' THEN meter IS NULL ELSE client_id IS NULL END),
    CONSTRAINT ck_vendor_mapping_factor CHECK (factor > 0)
);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "vendor_bill", app="SELECT, INSERT, UPDATE (withdrawn_at, withdrawn_by)", fleet=True)
    protect(op, "vendor_bill_line", app="SELECT, INSERT", fleet=True)
    protect(op, "vendor_upload", app="SELECT, INSERT, UPDATE (stored_at, stored_by, wrong)", fleet=True)
    protect(
        op,
        "vendor_mapping",
        app="SELECT, INSERT, DELETE, UPDATE (client_id, meter, factor, is_ignored, set_at, set_by)",
        fleet=True,
    )


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
