"""Payment methods that clients save, and charges to them."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP

revision = "202611301212"
down_revision = "202611301148"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE payment_profile (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    account_id uuid NOT NULL,
    customer_id varchar NOT NULL DEFAULT '',
    session_id varchar NOT NULL DEFAULT '',
    methods jsonb NOT NULL DEFAULT '[]',
    awaits boolean NOT NULL DEFAULT false,
    problem jsonb,
    read_at timestamptz,
    charges_automatically boolean NOT NULL DEFAULT false,
    agreed_at timestamptz,
    agreed_by varchar NOT NULL DEFAULT '',
    CONSTRAINT pk_payment_profile PRIMARY KEY (tenant_id)
);
ALTER TABLE provider_invoice ADD COLUMN charge_attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN charge_failure varchar NOT NULL DEFAULT '', ADD COLUMN charged_at timestamptz,
    ADD COLUMN next_charge_at timestamptz;
"""
_CHANGED = (
    "account_id, agreed_at, agreed_by, awaits, charges_automatically, customer_id, methods, problem, read_at,"
    " session_id"
)
_CHARGED = "charge_attempts, charge_failure, charged_at, next_charge_at"


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "payment_profile", app=f"SELECT, INSERT, UPDATE ({_CHANGED})")
    op.execute(f"GRANT UPDATE ({_CHARGED}) ON provider_invoice TO {APP}")


def downgrade() -> None:
    op.execute("DROP TABLE payment_profile")
    op.execute(
        "ALTER TABLE provider_invoice DROP COLUMN charge_attempts, DROP COLUMN charge_failure, DROP COLUMN charged_at,"
        " DROP COLUMN next_charge_at"
    )
