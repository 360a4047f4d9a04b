"""Finalised invoices: their fixed content, and the steps, payments and credit notes that follow.

Closed invoices become finalised. They have no number and no tax: their MSP had no legal entity here.
"""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP

revision = "202611300511"
down_revision = "202611300449"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE issued_invoice (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    side varchar NOT NULL,
    number varchar,
    issued_on date NOT NULL,
    due_on date,
    net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    gross_minor bigint NOT NULL,
    content_hash varchar NOT NULL,
    snapshot jsonb NOT NULL,
    snapshot_hash varchar NOT NULL,
    CONSTRAINT pk_issued_invoice PRIMARY KEY (tenant_id, invoice_id),
    CONSTRAINT ck_issued_invoice_gross CHECK (gross_minor = net_minor + tax_minor),
    CONSTRAINT ck_issued_invoice_side CHECK (side IN ('wholesale', 'retail'))
);
CREATE UNIQUE INDEX uq_issued_invoice_number ON issued_invoice (msp_id, side, number);

CREATE TABLE invoice_step (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    side varchar NOT NULL,
    at timestamptz NOT NULL,
    actor varchar NOT NULL,
    cause varchar NOT NULL,
    state_before varchar NOT NULL,
    state_after varchar NOT NULL,
    amount_minor bigint NOT NULL,
    note varchar NOT NULL,
    CONSTRAINT pk_invoice_step PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_invoice_step_side CHECK (side IN ('wholesale', 'retail'))
);
CREATE INDEX ix_invoice_step_invoice ON invoice_step (tenant_id, invoice_id, at);

CREATE TABLE invoice_payment (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    side varchar NOT NULL,
    paid_on date NOT NULL,
    amount_minor bigint NOT NULL,
    method varchar NOT NULL,
    reference varchar NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by varchar NOT NULL,
    CONSTRAINT pk_invoice_payment PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_invoice_payment_amount CHECK (amount_minor <> 0),
    CONSTRAINT ck_invoice_payment_side CHECK (side IN ('wholesale', 'retail'))
);
CREATE INDEX ix_invoice_payment_invoice ON invoice_payment (tenant_id, invoice_id);

CREATE TABLE credit_note (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    side varchar NOT NULL,
    number varchar,
    issued_on date NOT NULL,
    net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    gross_minor bigint NOT NULL,
    lines jsonb NOT NULL,
    reason varchar NOT NULL,
    created_at timestamptz NOT NULL,
    created_by varchar NOT NULL,
    CONSTRAINT pk_credit_note PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_credit_note_amount CHECK (net_minor > 0 AND gross_minor = net_minor + tax_minor),
    CONSTRAINT ck_credit_note_side CHECK (side IN ('wholesale', 'retail'))
);
CREATE INDEX ix_credit_note_invoice ON credit_note (tenant_id, invoice_id);
CREATE UNIQUE INDEX uq_credit_note_number ON credit_note (msp_id, side, number);

ALTER TABLE invoice ADD COLUMN paid_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN credited_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN dunning_level integer NOT NULL DEFAULT 0, DROP CONSTRAINT ck_invoice_state;
"""
_STATES = (
    "draft", "grace", "finalised", "sent", "partly_paid", "paid", "overdue", "suspended", "written_off", "void",
)  # fmt: skip
_RATING = "current_setting('app.billing', true) = 'rating'"
_FACTS = "x.tenant_id = invoice.tenant_id AND x.invoice_id = invoice.id"
_OPEN_LINE = (
    "EXISTS (SELECT 1 FROM invoice i WHERE i.tenant_id = invoice_line.tenant_id AND i.id = invoice_line.invoice_id"
    " AND i.state IN ('draft', 'grace'))"
)


def upgrade() -> None:
    op.execute(_TABLES)
    _fix_closed_invoices()
    listed = ", ".join(f"'{state}'" for state in _STATES)
    op.execute(f"ALTER TABLE invoice ADD CONSTRAINT ck_invoice_state CHECK (state IN ({listed}))")
    for table in ("issued_invoice", "invoice_step", "invoice_payment", "credit_note"):
        protect(op, table, fleet=True)
        op.execute(
            f"CREATE POLICY {table}_side ON {table} AS RESTRICTIVE TO {APP} USING (side = 'retail' OR {_RATING})"
        )
    op.execute(f"GRANT UPDATE (paid_minor, credited_minor, dunning_level) ON invoice TO {APP}")
    # A fixed invoice moves on, but its amounts stay those of `issued_invoice`, and it never becomes a draft again.
    op.execute("DROP POLICY invoice_draft ON invoice")
    op.execute(
        f"""
        CREATE POLICY invoice_fixed ON invoice AS RESTRICTIVE FOR UPDATE TO {APP} USING (true) WITH CHECK (
            CASE WHEN state IN ('draft', 'grace')
                 THEN NOT EXISTS (SELECT 1 FROM issued_invoice x WHERE {_FACTS})
                 ELSE EXISTS (SELECT 1 FROM issued_invoice x WHERE {_FACTS} AND x.net_minor = invoice.total_minor
                                 AND x.content_hash = invoice.content_hash) END)
        """
    )
    for verb, clause in (("INSERT", "WITH CHECK"), ("UPDATE", "USING"), ("DELETE", "USING")):
        name = f"invoice_line_draft_{verb.lower()}"
        op.execute(f"DROP POLICY {name} ON invoice_line")
        op.execute(f"CREATE POLICY {name} ON invoice_line AS RESTRICTIVE FOR {verb} TO {APP} {clause} ({_OPEN_LINE})")


def _fix_closed_invoices() -> None:
    op.execute("ALTER TABLE invoice NO FORCE ROW LEVEL SECURITY")
    op.execute(
        """
        INSERT INTO issued_invoice (tenant_id, msp_id, invoice_id, side, issued_on, net_minor, tax_minor, gross_minor,
                                    content_hash, snapshot, snapshot_hash)
        SELECT tenant_id, msp_id, id, side, (updated_at AT TIME ZONE 'UTC')::date, total_minor, 0, total_minor,
               content_hash, '{}', ''
          FROM invoice WHERE state = 'closed'
        """
    )
    op.execute("UPDATE invoice SET state = 'finalised' WHERE state = 'closed'")
    op.execute("ALTER TABLE invoice FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Not offered: finalised invoices have numbers that were issued to clients."""
    raise NotImplementedError("Finalised invoices cannot be taken back. Restore a backup instead.")
