"""Coupons of MSPs, and their assignment to clients."""

from alembic import op

from foundation.database.rls import protect

revision = "202611301148"
down_revision = "202611301145"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE coupon (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    code varchar NOT NULL,
    name varchar NOT NULL,
    percent numeric(6, 3),
    amount_minor bigint,
    currency varchar,
    duration varchar NOT NULL,
    months integer,
    recurring boolean NOT NULL,
    "only" varchar[] NOT NULL,
    valid_from date NOT NULL,
    valid_until date,
    max_clients integer,
    created_at timestamptz NOT NULL,
    created_by varchar NOT NULL,
    retired_at timestamptz,
    retired_by varchar,
    CONSTRAINT pk_coupon PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_coupon_tenant_id_code UNIQUE (tenant_id, code),
    CONSTRAINT ck_coupon_msp_account CHECK (tenant_id = msp_id),
    CONSTRAINT ck_coupon_kind CHECK ((percent IS NULL) <> (amount_minor IS NULL)
        AND (amount_minor IS NULL) = (currency IS NULL)),
    CONSTRAINT ck_coupon_size CHECK (percent > 0 AND percent <= 100 OR amount_minor > 0),
    CONSTRAINT ck_coupon_duration CHECK (duration IN ('once', 'months', 'forever')
        AND (duration = 'months') = (months IS NOT NULL))
);

CREATE TABLE client_coupon (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    coupon_id uuid NOT NULL,
    code varchar NOT NULL,
    name varchar NOT NULL,
    percent numeric(6, 3),
    amount_minor bigint,
    currency varchar,
    duration varchar NOT NULL,
    months integer,
    recurring boolean NOT NULL,
    "only" varchar[] NOT NULL,
    valid_until date,
    from_month date NOT NULL,
    reason varchar NOT NULL,
    given_at timestamptz NOT NULL,
    given_by varchar NOT NULL,
    ended_at timestamptz,
    ended_by varchar,
    end_reason varchar,
    CONSTRAINT pk_client_coupon PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_client_coupon_kind CHECK ((percent IS NULL) <> (amount_minor IS NULL)
        AND (amount_minor IS NULL) = (currency IS NULL)),
    CONSTRAINT ck_client_coupon_size CHECK (percent > 0 AND percent <= 100 OR amount_minor > 0),
    CONSTRAINT ck_client_coupon_duration CHECK (duration IN ('once', 'months', 'forever')
        AND (duration = 'months') = (months IS NOT NULL))
);
CREATE UNIQUE INDEX uq_client_coupon_active ON client_coupon (tenant_id, coupon_id) WHERE ended_at IS NULL;
CREATE INDEX ix_client_coupon_coupon ON client_coupon (msp_id, coupon_id);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "coupon", app="SELECT, INSERT, UPDATE (retired_at, retired_by)", fleet=True)
    protect(op, "client_coupon", app="SELECT, INSERT, UPDATE (ended_at, ended_by, end_reason)", fleet=True)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
