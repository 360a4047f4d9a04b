"""A client's details, its onboarding, and the rights of an MSP's staff to read onboardings across their clients."""

from alembic import op

from foundation.database.rls import SAME_MSP, protect
from foundation.database.roles import APP, FLEET

revision = "202611292251"
down_revision = "202611292246"
branch_labels = None
depends_on = None

_TABLES = """
ALTER TABLE client
    ADD COLUMN region varchar NOT NULL DEFAULT '',
    ADD COLUMN environment varchar NOT NULL DEFAULT 'live' CHECK (environment IN ('live', 'sandbox')),
    ADD COLUMN revision integer NOT NULL DEFAULT 1;

CREATE TABLE onboarding (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    started_by varchar NOT NULL,
    checked_at timestamptz,
    live_at timestamptz,
    live_by varchar,
    live_by_id varchar,
    CONSTRAINT pk_onboarding PRIMARY KEY (tenant_id)
);

CREATE TABLE onboarding_waiver (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    check_name varchar NOT NULL,
    reason varchar NOT NULL,
    waived_at timestamptz NOT NULL,
    waived_by varchar NOT NULL,
    waived_by_id uuid,
    CONSTRAINT pk_onboarding_waiver PRIMARY KEY (tenant_id, check_name)
);
"""

# Columns for the list of all onboardings; not values, proposals or rules.
_FLEET_READS = {
    "baseline": "tenant_id, msp_id, state, started_at, decided_at",
    "held_observation": "tenant_id, msp_id, element",
    "policy_rule": "tenant_id, msp_id, ptype, sub, obj, act, effect",
    "policy_version": "tenant_id, msp_id, version, created_at",
}


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(f"GRANT UPDATE (name, region, revision) ON client TO {APP}")
    protect(op, "onboarding", app="SELECT, INSERT, UPDATE (checked_at, live_at, live_by, live_by_id)", fleet=True)
    protect(
        op,
        "onboarding_waiver",
        app="SELECT, INSERT, UPDATE (reason, waived_at, waived_by, waived_by_id), DELETE",
        fleet=True,
    )
    for table, columns in _FLEET_READS.items():
        op.execute(f"CREATE POLICY {table}_fleet ON {table} FOR SELECT TO {FLEET} USING ({SAME_MSP})")
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO {FLEET}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
