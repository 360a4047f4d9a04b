"""Legal entities that issue invoices, their tax rates and number series, and the buyers' billing details."""

from alembic import op

from foundation.database.rls import MSP, SAME_MSP, protect
from foundation.database.roles import APP

revision = "202611300448"
down_revision = "202611300447"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE legal_entity (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    side varchar NOT NULL,
    name varchar NOT NULL,
    street varchar NOT NULL,
    postcode varchar NOT NULL,
    city varchar NOT NULL,
    country varchar NOT NULL,
    vat_id varchar NOT NULL,
    tax_number varchar NOT NULL,
    email varchar NOT NULL,
    iban varchar NOT NULL,
    bic varchar NOT NULL,
    language varchar NOT NULL,
    payment_days integer NOT NULL,
    grace_days integer NOT NULL,
    dunning_days integer[] NOT NULL,
    number_format varchar NOT NULL,
    credit_note_format varchar NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_legal_entity PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_legal_entity_tenant_id_side UNIQUE (tenant_id, side),
    CONSTRAINT ck_legal_entity_side CHECK (side IN ('wholesale', 'retail'))
);

CREATE TABLE tax_rate (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    side varchar NOT NULL,
    valid_from date NOT NULL,
    category varchar NOT NULL,
    percent numeric(6, 3) NOT NULL,
    reason varchar NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_tax_rate PRIMARY KEY (tenant_id, side, valid_from),
    CONSTRAINT ck_tax_rate_side CHECK (side IN ('wholesale', 'retail')),
    CONSTRAINT ck_tax_rate_percent CHECK (percent >= 0 AND percent <= 100),
    CONSTRAINT ck_tax_rate_category CHECK (category IN ('S', 'Z', 'E', 'AE', 'G'))
);

CREATE TABLE number_series (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    side varchar NOT NULL,
    series varchar NOT NULL,
    last bigint NOT NULL,
    CONSTRAINT pk_number_series PRIMARY KEY (tenant_id, side, series),
    CONSTRAINT ck_number_series_side CHECK (side IN ('wholesale', 'retail'))
);

CREATE TABLE billing_details (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    name varchar NOT NULL,
    street varchar NOT NULL,
    postcode varchar NOT NULL,
    city varchar NOT NULL,
    country varchar NOT NULL,
    vat_id varchar NOT NULL,
    po_number varchar NOT NULL,
    email varchar NOT NULL,
    payer_id uuid,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_billing_details PRIMARY KEY (tenant_id)
);
"""
_ENTITY = (
    "bic, city, country, credit_note_format, dunning_days, email, grace_days, iban, language, name, number_format,"
    " payment_days, postcode, street, tax_number, updated_at, vat_id"
)
_DETAILS = "city, country, email, name, payer_id, po_number, postcode, street, updated_at, vat_id"
_GRANTS = {
    "legal_entity": f"SELECT, INSERT, UPDATE ({_ENTITY})",
    "tax_rate": "SELECT, INSERT",
    "number_series": "SELECT, INSERT, UPDATE (last)",
}
_RATING = "current_setting('app.billing', true) = 'rating'"


def upgrade() -> None:
    op.execute(_TABLES)
    for table, grant in _GRANTS.items():
        protect(op, table, app=grant, fleet=table != "number_series")
        op.execute(
            f"CREATE POLICY {table}_side ON {table} AS RESTRICTIVE TO {APP} USING (side = 'retail' OR {_RATING})"
        )
    protect(op, "billing_details", app=f"SELECT, INSERT, UPDATE ({_DETAILS})", fleet=True)
    # An invoice is finalised in the client's scope: it reads its MSP's legal entity, the payer's details, and takes
    # the next number of the MSP's series.
    for table in ("legal_entity", "tax_rate", "billing_details"):
        op.execute(f"CREATE POLICY {table}_rating ON {table} FOR SELECT TO {APP} USING ({SAME_MSP} AND {_RATING})")
    op.execute(
        f"CREATE POLICY number_series_rating ON number_series TO {APP}"
        f" USING (tenant_id = {MSP} AND {SAME_MSP} AND {_RATING})"
    )


def downgrade() -> None:
    for table in (*_GRANTS, "billing_details"):
        op.execute(f"DROP TABLE {table}")
