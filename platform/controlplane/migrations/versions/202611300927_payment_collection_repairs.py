"""Payment collection: credit notes settled with the invoice, reasons of failures, a change of account, retention."""

from alembic import op

from foundation.database.rls import SAME_MSP
from foundation.database.roles import APP, PURGE

revision = "202611300927"
down_revision = "202611300916"
branch_labels = None
depends_on = None

_RATING = "current_setting('app.billing', true) = 'rating'"
_FORCED = ("provider_invoice", "credit_note")
_COLUMNS = """
ALTER TABLE provider_invoice ADD COLUMN settled_notes uuid[] NOT NULL DEFAULT '{}', ADD COLUMN problem jsonb;
UPDATE provider_invoice p SET settled_notes = ARRAY(
    SELECT c.id FROM credit_note c
     WHERE c.tenant_id = p.tenant_id AND c.invoice_id = p.invoice_id AND c.created_at <= p.created_at);
"""


def upgrade() -> None:
    for table in _FORCED:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_COLUMNS)
    for table in _FORCED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    # A row of an earlier payment account without money is replaced by a row of the present account.
    op.execute(f"GRANT UPDATE (problem), DELETE ON provider_invoice TO {APP}")
    op.execute(f"GRANT DELETE ON payment_event TO {PURGE}")
    # A transaction in the client's scope reads the MSP's row, to compare an invoice's account with the present one.
    op.execute(
        f"CREATE POLICY payment_account_rating ON payment_account FOR SELECT TO {APP} USING ({SAME_MSP} AND {_RATING})"
    )


def downgrade() -> None:
    op.execute("DROP POLICY payment_account_rating ON payment_account")
    op.execute(f"REVOKE DELETE ON payment_event FROM {PURGE}")
    op.execute(f"REVOKE DELETE ON provider_invoice FROM {APP}")
    op.execute("ALTER TABLE provider_invoice DROP COLUMN settled_notes, DROP COLUMN problem")
