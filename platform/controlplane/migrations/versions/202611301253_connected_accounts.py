"""Payment accounts that are connected to the installation's own at Stripe."""

from alembic import op

from foundation.database.roles import APP

revision = "202611301253"
down_revision = "202611301252"
branch_labels = None
depends_on = None

_ACCOUNT = "nullif(current_setting('app.connected_account', true), '')"


def upgrade() -> None:
    op.execute("ALTER TABLE payment_account ADD COLUMN connected boolean NOT NULL DEFAULT false")
    _check("(provider = 'stripe') = (secret_key IS NOT NULL OR connected)")
    op.execute("CREATE INDEX ix_payment_account_connected ON payment_account (external_id) WHERE connected")
    op.execute(f"GRANT UPDATE (connected) ON payment_account TO {APP}")
    # A webhook of the platform's endpoint names the account, and no tenant yet.
    op.execute(
        f"CREATE POLICY payment_account_connected ON payment_account FOR SELECT TO {APP}"
        f" USING (connected AND external_id = (SELECT {_ACCOUNT}))"
    )


def downgrade() -> None:
    op.execute("DROP POLICY payment_account_connected ON payment_account; DROP INDEX ix_payment_account_connected;")
    op.execute("ALTER TABLE payment_account NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM payment_account WHERE connected")
    op.execute("ALTER TABLE payment_account FORCE ROW LEVEL SECURITY")
    _check("(provider = 'stripe') = (secret_key IS NOT NULL)")
    op.execute("ALTER TABLE payment_account DROP COLUMN connected")


def _check(condition: str) -> None:
    op.execute("ALTER TABLE payment_account DROP CONSTRAINT ck_payment_account_secret_key")
    op.execute(f"ALTER TABLE payment_account ADD CONSTRAINT ck_payment_account_secret_key CHECK ({condition})")
