"""The billing room's base: price books, rated usage, invoices on two sides; wholesale is kept from clients."""

from alembic import op

from foundation.database.partitions import open_partitions
from foundation.database.rls import MSP, TENANT, protect
from foundation.database.roles import APP

revision = "202611290946"
down_revision = "202611290945"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE price_book (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    side varchar NOT NULL,
    client_id uuid,
    currency varchar NOT NULL,
    name varchar NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_price_book PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_price_book_tenant_id_side_client_id UNIQUE NULLS NOT DISTINCT (tenant_id, side, client_id),
    CONSTRAINT ck_price_book_house CHECK (tenant_id = msp_id),
    CONSTRAINT ck_price_book_own_book_is_retail CHECK (side = 'retail' OR client_id IS NULL),
    CONSTRAINT ck_price_book_side CHECK (side IN ('wholesale', 'retail'))
);

CREATE TABLE price (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    side varchar NOT NULL,
    book_id uuid NOT NULL,
    meter varchar NOT NULL,
    description varchar NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    unit_price numeric(20, 8) NOT NULL,
    included_quantity bigint NOT NULL DEFAULT 0,
    tiers jsonb,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_price PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_price_tenant_id_book_id_meter_valid_from UNIQUE (tenant_id, book_id, meter, valid_from),
    CONSTRAINT fk_price_tenant_id_book_id FOREIGN KEY (tenant_id, book_id) REFERENCES price_book (tenant_id, id),
    CONSTRAINT ck_price_side CHECK (side IN ('wholesale', 'retail')),
    CONSTRAINT ck_price_terms CHECK (unit_price >= 0 AND included_quantity >= 0),
    CONSTRAINT ck_price_validity CHECK (valid_to > valid_from)
);

CREATE TABLE rated_usage (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    side varchar NOT NULL,
    meter varchar NOT NULL,
    usage_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    line_id uuid NOT NULL,
    quantity bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    CONSTRAINT pk_rated_usage PRIMARY KEY (tenant_id, side, meter, usage_id),
    CONSTRAINT ck_rated_usage_side CHECK (side IN ('wholesale', 'retail'))
) PARTITION BY RANGE (usage_id);
CREATE INDEX ix_rated_usage_line ON rated_usage (tenant_id, line_id, usage_id);
CREATE INDEX ix_rated_usage_occurred ON rated_usage USING brin (tenant_id, occurred_at) WITH (autosummarize = on);

-- When each client's usage was rated and is rated next, for invoices and reconciliation.
CREATE TABLE rating_run (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    rated_at timestamptz NOT NULL,
    next_at timestamptz NOT NULL,
    CONSTRAINT pk_rating_run PRIMARY KEY (tenant_id)
);

CREATE TABLE invoice (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    side varchar NOT NULL,
    client_id uuid NOT NULL,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    currency varchar NOT NULL,
    state varchar NOT NULL DEFAULT 'draft',
    total_minor bigint NOT NULL DEFAULT 0,
    content_hash varchar NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_invoice PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_invoice_tenant_id_side_period_start_client_id UNIQUE (tenant_id, side, period_start, client_id),
    CONSTRAINT ck_invoice_period CHECK (period_end > period_start),
    CONSTRAINT ck_invoice_side CHECK (side IN ('wholesale', 'retail')),
    CONSTRAINT ck_invoice_state CHECK (state IN ('draft', 'closed'))
);

CREATE TABLE invoice_line (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    side varchar NOT NULL,
    invoice_id uuid NOT NULL,
    client_id uuid NOT NULL,
    meter varchar NOT NULL,
    description varchar NOT NULL,
    price_id uuid NOT NULL,
    service_start timestamptz NOT NULL,
    unit_price numeric(20, 8) NOT NULL,
    tiers jsonb,
    events bigint NOT NULL DEFAULT 0,
    quantity bigint NOT NULL DEFAULT 0,
    included bigint NOT NULL DEFAULT 0,
    amount_minor bigint NOT NULL DEFAULT 0,
    first_at timestamptz,
    last_at timestamptz,
    CONSTRAINT pk_invoice_line PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_invoice_line_tenant_id_invoice_id FOREIGN KEY (tenant_id, invoice_id)
        REFERENCES invoice (tenant_id, id),
    CONSTRAINT ck_invoice_line_side CHECK (side IN ('wholesale', 'retail'))
);
CREATE INDEX ix_invoice_line_invoice ON invoice_line (tenant_id, invoice_id);
"""

# Rights of the application: a price's terms, a billed event and a closed invoice are never changed.
_GRANTS = {
    "price_book": "SELECT, INSERT, UPDATE (name)",
    "price": "SELECT, INSERT, UPDATE (valid_to)",
    "rated_usage": "SELECT, INSERT, UPDATE (line_id)",
    "invoice": "SELECT, INSERT, UPDATE (currency, state, total_minor, content_hash, updated_at)",
    "invoice_line": "SELECT, INSERT, UPDATE, DELETE",
}
_RATING = "current_setting('app.billing', true) = 'rating'"
_DRAFT = (
    "EXISTS (SELECT 1 FROM invoice i WHERE i.tenant_id = invoice_line.tenant_id AND i.id = invoice_line.invoice_id"
    " AND i.state = 'draft')"
)


def upgrade() -> None:
    op.execute(_TABLES)
    for table, grant in _GRANTS.items():
        protect(op, table, app=grant, fleet=True)
        op.execute(
            f"CREATE POLICY {table}_side ON {table} AS RESTRICTIVE TO {APP} USING (side = 'retail' OR {_RATING})"
        )
    protect(op, "rating_run", app="SELECT, INSERT, UPDATE", fleet=True)
    _open_to_raters()
    op.execute(
        f"CREATE POLICY invoice_draft ON invoice AS RESTRICTIVE FOR UPDATE TO {APP}"
        " USING (state = 'draft') WITH CHECK (true)"
    )
    for verb, clause in (("INSERT", "WITH CHECK"), ("UPDATE", "USING"), ("DELETE", "USING")):
        op.execute(
            f"CREATE POLICY invoice_line_draft_{verb.lower()} ON invoice_line AS RESTRICTIVE FOR {verb} TO {APP}"
            f" {clause} ({_DRAFT})"
        )
    open_partitions(op.get_bind(), "rated_usage")


def _open_to_raters() -> None:
    """Rights of rating: a client's transaction reads its MSP's common price books and the client's own; one of the MSP
    account reads its clients' invoices.
    """
    op.execute(
        f"CREATE POLICY price_book_rating ON price_book FOR SELECT TO {APP}"
        f" USING (msp_id = {MSP} AND {_RATING} AND (client_id IS NULL OR client_id = {TENANT}))"
    )
    op.execute(f"CREATE POLICY price_rating ON price FOR SELECT TO {APP} USING (msp_id = {MSP} AND {_RATING})")
    for table in ("invoice", "invoice_line"):
        op.execute(
            f"CREATE POLICY {table}_rating ON {table} FOR SELECT TO {APP}"
            f" USING (msp_id = {MSP} AND {TENANT} = {MSP} AND {_RATING})"
        )


def downgrade() -> None:
    """Not offered: the base creates the tables, so a downgrade would delete every row."""
    raise NotImplementedError("A base cannot be taken back. Restore a backup instead.")
