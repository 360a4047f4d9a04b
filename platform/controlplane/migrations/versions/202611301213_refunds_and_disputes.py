"""Refunds by credit notes, and disputes of payments."""

from alembic import op

from foundation.database.roles import APP

revision = "202611301213"
down_revision = "202611301212"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE credit_note ADD COLUMN refunds boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE provider_invoice ADD COLUMN disputes jsonb NOT NULL DEFAULT '[]'")
    op.execute(f"GRANT UPDATE (disputes) ON provider_invoice TO {APP}")


def downgrade() -> None:
    op.execute("ALTER TABLE credit_note DROP COLUMN refunds; ALTER TABLE provider_invoice DROP COLUMN disputes")
