"""Kinds of payments: payment, refund, withdrawal because of a dispute, and its return."""

from alembic import op

revision = "202611301648"
down_revision = "202611301647"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Earlier rows are payments, or payments taken back for a reason that was not stored.
    op.execute("""
        ALTER TABLE invoice_payment ADD COLUMN kind varchar NOT NULL DEFAULT 'payment'
            CONSTRAINT ck_invoice_payment_kind
            CHECK (kind IN ('payment', 'refund', 'dispute_withdrawn', 'dispute_returned'))
    """)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
