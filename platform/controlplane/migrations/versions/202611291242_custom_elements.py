"""Elements that a client declares itself."""

from alembic import op

from foundation.database.rls import protect

revision = "202611291242"
down_revision = "202611291238"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE custom_element (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    code varchar NOT NULL,
    label varchar NOT NULL,
    domain varchar NOT NULL,
    record_type varchar NOT NULL,
    value_type varchar NOT NULL,
    dimensions varchar[] NOT NULL,
    codes varchar[] NOT NULL,
    distributed boolean NOT NULL,
    created_at timestamptz NOT NULL,
    created_by varchar NOT NULL,
    CONSTRAINT pk_custom_element PRIMARY KEY (tenant_id, code)
);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "custom_element", app="SELECT, INSERT")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
