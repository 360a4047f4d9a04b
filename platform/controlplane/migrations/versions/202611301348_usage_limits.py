"""Limits of usage and spending, reservations, and notices sent."""

from alembic import op

from foundation.database.rls import protect

revision = "202611301348"
down_revision = "202611301347"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE usage_limit (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    meter varchar NOT NULL,
    is_on boolean NOT NULL,
    included numeric,
    soft_limit numeric,
    hard_limit numeric,
    override_until timestamptz,
    override_limit numeric,
    override_reason varchar NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by varchar NOT NULL,
    CONSTRAINT pk_usage_limit PRIMARY KEY (tenant_id, meter),
    CONSTRAINT ck_usage_limit_amounts CHECK
        (included >= 0 AND soft_limit >= 0 AND hard_limit >= 0 AND override_limit >= 0)
);

CREATE TABLE usage_reservation (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    key varchar NOT NULL,
    quantities jsonb NOT NULL,
    amount_minor bigint,
    state varchar NOT NULL,
    reserved_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    settled jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT pk_usage_reservation PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_usage_reservation_tenant_id_key UNIQUE (tenant_id, key),
    CONSTRAINT ck_usage_reservation_state CHECK (state IN ('reserved', 'settled', 'released', 'expired'))
);
CREATE INDEX ix_usage_reservation_open ON usage_reservation (tenant_id, expires_at) WHERE state = 'reserved';
CREATE INDEX ix_usage_reservation_ended ON usage_reservation (tenant_id, ended_at) WHERE state = 'settled';

CREATE TABLE limit_notice (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    meter varchar NOT NULL,
    kind varchar NOT NULL,
    month date NOT NULL,
    percent integer NOT NULL,
    noticed_at timestamptz NOT NULL,
    CONSTRAINT pk_limit_notice PRIMARY KEY (tenant_id, meter, kind, month, percent)
);
"""
_LIMITS = """is_on, included, soft_limit, hard_limit, override_until, override_limit, override_reason,
    changed_at, changed_by"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "usage_limit", app=f"SELECT, INSERT, UPDATE ({_LIMITS})")
    protect(op, "usage_reservation", app="SELECT, INSERT, UPDATE (state, ended_at, settled, amount_minor)")
    protect(op, "limit_notice")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
