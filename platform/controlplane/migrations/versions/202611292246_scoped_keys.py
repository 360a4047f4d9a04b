"""API keys with permissions, expiry and rotation; OAuth 2 clients and their tokens."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP

revision = "202611292246"
down_revision = "202611292244"
branch_labels = None
depends_on = None

_TABLES = """
ALTER TABLE api_key
    ADD COLUMN use varchar NOT NULL DEFAULT 'key',
    ADD COLUMN permissions varchar[],
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN current_hash bytea,
    ADD COLUMN previous_hash bytea,
    ADD COLUMN previous_until timestamptz;

CREATE TABLE oauth_token (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    key_id uuid NOT NULL,
    secret_hash bytea NOT NULL,
    permissions varchar[],
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT pk_oauth_token PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ix_oauth_token_key ON oauth_token (tenant_id, key_id);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(f"GRANT UPDATE (current_hash, expires_at, previous_hash, previous_until) ON api_key TO {APP}")
    protect(op, "oauth_token", app="SELECT, INSERT, UPDATE (revoked_at), DELETE")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
