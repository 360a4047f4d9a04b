"""Entitlements of accounts, and the rules that set them."""

from alembic import op

from foundation.database.rls import MSP, protect
from foundation.database.roles import APP

revision = "202611301603"
down_revision = "202611301602"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE entitlement (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    feature varchar NOT NULL,
    is_on boolean NOT NULL,
    soft_limit bigint,
    hard_limit bigint,
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_entitlement PRIMARY KEY (tenant_id, feature),
    CONSTRAINT ck_entitlement_limits CHECK (soft_limit >= 0 AND hard_limit >= 0)
);

CREATE TABLE entitlement_rule (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    feature varchar NOT NULL,
    is_on boolean NOT NULL,
    soft_limit bigint,
    hard_limit bigint,
    changed_at timestamptz NOT NULL,
    changed_by varchar NOT NULL,
    CONSTRAINT pk_entitlement_rule PRIMARY KEY (tenant_id, subject_id, feature),
    CONSTRAINT ck_entitlement_rule_limits CHECK (soft_limit >= 0 AND hard_limit >= 0)
);
"""
_RIGHTS = "SELECT, INSERT, DELETE, UPDATE ({})"
_RATING = "current_setting('app.billing', true) = 'rating'"


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "entitlement", app=_RIGHTS.format("is_on, soft_limit, hard_limit, changed_at"))
    protect(
        op, "entitlement_rule", app=_RIGHTS.format("is_on, soft_limit, hard_limit, changed_at, changed_by"), fleet=True
    )
    # The defaults of a price book apply to clients, in a transaction in the client's scope.
    op.execute(
        f"CREATE POLICY entitlement_rule_rating ON entitlement_rule FOR SELECT TO {APP}"
        f" USING (msp_id = {MSP} AND {_RATING})"
    )


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
