"""Invoice lines that are not usage: kind, product code and cause."""

from alembic import op

revision = "202611301145"
down_revision = "202611300927"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE invoice_line ALTER COLUMN price_id DROP NOT NULL,
    ADD COLUMN kind varchar NOT NULL DEFAULT 'usage',
    ADD COLUMN product varchar NOT NULL DEFAULT '',
    ADD COLUMN cause jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT ck_invoice_line_price CHECK ((kind = 'usage') = (price_id IS NOT NULL));
"""
# Drafts are computed again from usage; fixed invoices with other lines cannot be kept by the earlier release.
_DOWN = """
DELETE FROM invoice_line WHERE kind <> 'usage';
ALTER TABLE invoice_line DROP CONSTRAINT ck_invoice_line_price, DROP COLUMN cause, DROP COLUMN product,
    DROP COLUMN kind, ALTER COLUMN price_id SET NOT NULL;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
