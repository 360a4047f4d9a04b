"""Documents of finalised invoices, stored as they were made first."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP

revision = "202611300828"
down_revision = "202611300802"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE invoice_document (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    format varchar NOT NULL,
    side varchar NOT NULL,
    file bytea NOT NULL,
    sha256 varchar NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_invoice_document PRIMARY KEY (tenant_id, invoice_id, format),
    CONSTRAINT ck_invoice_document_format CHECK (format IN ('pdf', 'cii', 'ubl')),
    CONSTRAINT ck_invoice_document_side CHECK (side IN ('wholesale', 'retail'))
);
"""
_RATING = "current_setting('app.billing', true) = 'rating'"


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "invoice_document", fleet=True)
    op.execute(
        f"CREATE POLICY invoice_document_side ON invoice_document AS RESTRICTIVE TO {APP}"
        f" USING (side = 'retail' OR {_RATING})"
    )


def downgrade() -> None:
    op.execute("DROP TABLE invoice_document")
