"""Plans of MSPs, and the subscriptions of their clients."""

from alembic import op

from foundation.database.rls import MSP, protect
from foundation.database.roles import APP

revision = "202611301251"
down_revision = "202611301215"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE plan (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    code varchar NOT NULL,
    name varchar NOT NULL,
    currency varchar NOT NULL,
    created_at timestamptz NOT NULL,
    created_by varchar NOT NULL,
    retired_at timestamptz,
    retired_by varchar,
    CONSTRAINT pk_plan PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_plan_tenant_id_code UNIQUE (tenant_id, code),
    CONSTRAINT ck_plan_msp_account CHECK (tenant_id = msp_id)
);

CREATE TABLE plan_version (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    plan_id uuid NOT NULL,
    number integer NOT NULL,
    terms jsonb NOT NULL,
    valid_from timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    created_by varchar NOT NULL,
    CONSTRAINT pk_plan_version PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_plan_version_tenant_id_plan_id_number UNIQUE (tenant_id, plan_id, number),
    CONSTRAINT fk_plan_version_tenant_id_plan_id FOREIGN KEY (tenant_id, plan_id) REFERENCES plan (tenant_id, id),
    CONSTRAINT ck_plan_version_msp_account CHECK (tenant_id = msp_id)
);

CREATE TABLE subscription (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    plan jsonb NOT NULL,
    quantity integer NOT NULL,
    add_ons jsonb NOT NULL,
    zone varchar NOT NULL,
    calendar boolean NOT NULL,
    starts_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    created_by varchar NOT NULL,
    reason varchar NOT NULL,
    CONSTRAINT pk_subscription PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_subscription_quantity CHECK (quantity >= 0)
);
CREATE INDEX ix_subscription_msp ON subscription (msp_id, created_at, id);

CREATE TABLE subscription_step (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    number integer NOT NULL,
    kind varchar NOT NULL,
    takes_effect_at timestamptz NOT NULL,
    plan jsonb,
    quantity integer,
    add_ons jsonb,
    credits boolean NOT NULL,
    reason varchar NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by varchar NOT NULL,
    undone_at timestamptz,
    undone_by varchar,
    undone_for varchar,
    CONSTRAINT pk_subscription_step PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_subscription_step_tenant_id_subscription_id_number UNIQUE (tenant_id, subscription_id, number),
    CONSTRAINT fk_subscription_step_tenant_id_subscription_id FOREIGN KEY (tenant_id, subscription_id)
        REFERENCES subscription (tenant_id, id),
    CONSTRAINT ck_subscription_step_kind CHECK (kind IN ('change', 'pause', 'resume', 'cancel'))
);
"""
# Rights of the application: a version and a subscription never change, a step is undone at most.
_GRANTS = {
    "plan": "SELECT, INSERT, UPDATE (retired_at, retired_by)",
    "plan_version": "SELECT, INSERT",
    "subscription": "SELECT, INSERT",
    "subscription_step": "SELECT, INSERT, UPDATE (undone_at, undone_by, undone_for)",
}
_RATING = "current_setting('app.billing', true) = 'rating'"


def upgrade() -> None:
    op.execute(_TABLES)
    for table, grant in _GRANTS.items():
        protect(op, table, app=grant, fleet=True)
    # A client's subscription is made with a plan of its MSP, by a transaction in the client's scope.
    for table in ("plan", "plan_version"):
        op.execute(f"CREATE POLICY {table}_rating ON {table} FOR SELECT TO {APP} USING (msp_id = {MSP} AND {_RATING})")


def downgrade() -> None:
    for table in ("subscription_step", "subscription", "plan_version", "plan"):
        op.execute(f"DROP TABLE {table}")
