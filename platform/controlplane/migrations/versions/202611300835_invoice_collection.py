"""Collection of invoices by the payment provider: their state there, and its events."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP

revision = "202611300835"
down_revision = "202611300828"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE provider_invoice (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    account_id uuid NOT NULL,
    provider varchar NOT NULL,
    external_id varchar NOT NULL DEFAULT '',
    status varchar NOT NULL DEFAULT '',
    payment_url varchar NOT NULL DEFAULT '',
    settled_before_minor bigint NOT NULL,
    total_minor bigint NOT NULL DEFAULT 0,
    paid_minor bigint NOT NULL DEFAULT 0,
    paid_outside_minor bigint NOT NULL DEFAULT 0,
    credited_minor bigint NOT NULL DEFAULT 0,
    refunded_minor bigint NOT NULL DEFAULT 0,
    disputed_minor bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    failure varchar NOT NULL DEFAULT '',
    answer varchar NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    read_at timestamptz,
    CONSTRAINT pk_provider_invoice PRIMARY KEY (tenant_id, invoice_id)
);
CREATE INDEX ix_provider_invoice_created ON provider_invoice (msp_id, created_at, invoice_id);

CREATE TABLE payment_event (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    account_id uuid NOT NULL,
    event_id varchar NOT NULL,
    type varchar NOT NULL,
    object_id varchar NOT NULL,
    body bytea NOT NULL,
    via varchar NOT NULL,
    state varchar NOT NULL DEFAULT 'pending',
    received_at timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT pk_payment_event PRIMARY KEY (tenant_id, account_id, event_id),
    CONSTRAINT ck_payment_event_state CHECK (state IN ('pending', 'applied', 'ignored')),
    CONSTRAINT ck_payment_event_via CHECK (via IN ('webhook', 'sweep'))
);

ALTER TABLE payment_account ADD COLUMN refused_hooks bigint NOT NULL DEFAULT 0, ADD COLUMN swept_at timestamptz;
"""
_TOLD = (
    "answer, attempts, credited_minor, disputed_minor, external_id, failure, paid_minor, paid_outside_minor,"
    " payment_url, read_at, refunded_minor, status, total_minor"
)


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "provider_invoice", app=f"SELECT, INSERT, UPDATE ({_TOLD})", fleet=True)
    protect(op, "payment_event", app="SELECT, INSERT, UPDATE (finished_at, state)")
    op.execute(f"GRANT UPDATE (refused_hooks, swept_at) ON payment_account TO {APP}")


def downgrade() -> None:
    op.execute("DROP TABLE provider_invoice; DROP TABLE payment_event;")
    op.execute("ALTER TABLE payment_account DROP COLUMN refused_hooks, DROP COLUMN swept_at")
