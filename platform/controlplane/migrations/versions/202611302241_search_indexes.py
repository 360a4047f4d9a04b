"""Indexes of the search over all clients: records and invoices by the beginning of their key, name or number."""

from alembic import op

revision = "202611302241"
down_revision = "202611302233"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('CREATE INDEX ix_record_title_key ON record_title (msp_id, (lower(record_key) COLLATE "C"))')
    op.execute('CREATE INDEX ix_record_title_search ON record_title (msp_id, (search COLLATE "C"))')
    op.execute('CREATE INDEX ix_issued_invoice_found ON issued_invoice (msp_id, (upper(number) COLLATE "C"))')


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
