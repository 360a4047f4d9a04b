"""Links for a new password."""

from alembic import op

from foundation.database.rls import protect

revision = "202611292255"
down_revision = "202611292254"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE password_reset (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    member_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_password_reset PRIMARY KEY (tenant_id, member_id)
);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "password_reset", app="SELECT, INSERT, UPDATE (created_at, expires_at, token_hash), DELETE")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
