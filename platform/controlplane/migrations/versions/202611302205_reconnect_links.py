"""Links with which the credentials of a connection can be renewed once."""

from alembic import op

from foundation.database.rls import protect

revision = "202611302205"
down_revision = "202611302201"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE reconnect_link (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    created_by varchar NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_reconnect_link PRIMARY KEY (tenant_id, connection_id)
);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "reconnect_link", app="SELECT, INSERT, UPDATE (created_at, created_by, expires_at, token_hash), DELETE")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
