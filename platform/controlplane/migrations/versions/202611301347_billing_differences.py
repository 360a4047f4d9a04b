"""Differences of the three-way check that members explained."""

from alembic import op

from foundation.database.rls import protect

revision = "202611301347"
down_revision = "202611301259"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE billing_difference (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    month varchar NOT NULL,
    client_id uuid NOT NULL,
    product varchar NOT NULL,
    vendor_quantity numeric,
    used_quantity numeric,
    billed_quantity numeric NOT NULL,
    reason varchar NOT NULL,
    explained_at timestamptz NOT NULL,
    explained_by varchar NOT NULL,
    CONSTRAINT pk_billing_difference PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_billing_difference_msp_account CHECK (tenant_id = msp_id)
);
CREATE INDEX ix_billing_difference_month ON billing_difference (tenant_id, month, client_id, product);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "billing_difference", app="SELECT, INSERT", fleet=True)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
