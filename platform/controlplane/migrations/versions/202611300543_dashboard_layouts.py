"""Layouts of dashboards."""

from alembic import op

from foundation.database.rls import protect

revision = "202611300543"
down_revision = "202611300542"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE dashboard_layout (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    area varchar NOT NULL,
    tiles jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by varchar NOT NULL,
    CONSTRAINT pk_dashboard_layout PRIMARY KEY (tenant_id, owner_id, area)
);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "dashboard_layout", app="SELECT, INSERT, DELETE, UPDATE (changed_at, changed_by, tiles)")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
