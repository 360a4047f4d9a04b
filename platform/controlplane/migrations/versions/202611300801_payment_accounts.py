"""Payment accounts: the account at a payment provider through which an MSP's clients pay."""

from alembic import op

from foundation.database.rls import protect

revision = "202611300801"
down_revision = "202611300543"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE payment_account (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    provider varchar NOT NULL,
    mode varchar NOT NULL,
    external_id varchar NOT NULL,
    secret_key bytea,
    key_hint varchar NOT NULL,
    signing_secret bytea,
    can_charge boolean NOT NULL,
    requirements varchar[] NOT NULL,
    restriction varchar NOT NULL,
    checked_at timestamptz,
    set_at timestamptz NOT NULL,
    set_by varchar NOT NULL,
    CONSTRAINT pk_payment_account PRIMARY KEY (tenant_id),
    CONSTRAINT ck_payment_account_provider CHECK (provider IN ('manual', 'sandbox', 'stripe')),
    CONSTRAINT ck_payment_account_mode CHECK (mode IN ('test', 'live')),
    CONSTRAINT ck_payment_account_msp_account CHECK (tenant_id = msp_id),
    CONSTRAINT ck_payment_account_secret_key CHECK ((provider = 'stripe') = (secret_key IS NOT NULL))
);
"""
_CHANGED = (
    "can_charge, checked_at, restriction, external_id, id, key_hint, mode, provider, requirements, secret_key,"
    " set_at, set_by, signing_secret"
)


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "payment_account", app=f"SELECT, INSERT, UPDATE ({_CHANGED})")


def downgrade() -> None:
    op.execute("DROP TABLE payment_account")
