"""Credit of clients: grants, their transactions, and rules for low balances."""

from alembic import op

from foundation.database.rls import protect

revision = "202611301252"
down_revision = "202611301251"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE credit_grant (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    kind varchar NOT NULL,
    currency varchar NOT NULL,
    amount_minor bigint NOT NULL,
    left_minor bigint NOT NULL,
    priority integer NOT NULL,
    expires_on date,
    invoice_id uuid,
    reason varchar NOT NULL,
    granted_at timestamptz NOT NULL,
    granted_by varchar NOT NULL,
    noticed_at timestamptz,
    CONSTRAINT pk_credit_grant PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_credit_grant_kind CHECK (kind IN ('prepaid', 'promotional', 'credit_note', 'overpayment', 'top_up')),
    CONSTRAINT ck_credit_grant_left CHECK (amount_minor > 0 AND left_minor >= 0 AND left_minor <= amount_minor)
);

CREATE TABLE credit_transaction (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    grant_id uuid NOT NULL,
    kind varchar NOT NULL,
    amount_minor bigint NOT NULL,
    invoice_id uuid,
    note varchar NOT NULL,
    at timestamptz NOT NULL,
    actor varchar NOT NULL,
    CONSTRAINT pk_credit_transaction PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_credit_transaction_tenant_id_credit_grant FOREIGN KEY (tenant_id, grant_id)
        REFERENCES credit_grant (tenant_id, id),
    CONSTRAINT ck_credit_transaction_kind CHECK (kind IN ('granted', 'used', 'restored', 'expired', 'withdrawn')),
    CONSTRAINT ck_credit_transaction_amount CHECK (amount_minor <> 0)
);
CREATE INDEX ix_credit_transaction_invoice ON credit_transaction (tenant_id, invoice_id);
CREATE INDEX ix_credit_transaction_grant ON credit_transaction (tenant_id, grant_id);

CREATE TABLE credit_rule (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    currency varchar NOT NULL,
    low_minor bigint NOT NULL,
    top_up_minor bigint NOT NULL,
    set_at timestamptz NOT NULL,
    set_by varchar NOT NULL,
    noticed_at timestamptz,
    CONSTRAINT pk_credit_rule PRIMARY KEY (tenant_id, currency),
    CONSTRAINT ck_credit_rule_amounts CHECK (low_minor > 0 AND top_up_minor >= 0)
);
"""
_RULE = "low_minor, noticed_at, set_at, set_by, top_up_minor"


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "credit_grant", app="SELECT, INSERT, UPDATE (left_minor, noticed_at)")
    protect(op, "credit_transaction", app="SELECT, INSERT")
    protect(op, "credit_rule", app=f"SELECT, INSERT, UPDATE ({_RULE}), DELETE")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
