"""Changes per hour of each client, counted once for the fleet's chart."""

from alembic import op

from foundation.database.rls import protect

revision = "202611300449"
down_revision = "202611300448"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE change_hours (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    counted_until timestamptz NOT NULL,
    counts bigint[] NOT NULL,
    CONSTRAINT pk_change_hours PRIMARY KEY (tenant_id)
);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "change_hours", app="SELECT, INSERT, UPDATE (counted_until, counts)", fleet=True)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
