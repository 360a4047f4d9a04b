"""SCIM: an account's token, and the members' attributes from its identity provider."""

from alembic import op

from foundation.database.rls import protect

revision = "202611300224"
down_revision = "202611300220"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE scim_token (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    secret_hash bytea NOT NULL,
    owner_id uuid,
    owner_home uuid,
    created_at timestamptz NOT NULL,
    created_by varchar NOT NULL,
    last_used_at timestamptz,
    CONSTRAINT pk_scim_token PRIMARY KEY (tenant_id)
);

CREATE TABLE scim_user (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    member_id uuid NOT NULL,
    external_id varchar,
    attributes jsonb NOT NULL,
    removed boolean NOT NULL,
    CONSTRAINT pk_scim_user PRIMARY KEY (tenant_id, member_id)
);
CREATE INDEX ix_scim_user_external_id ON scim_user (tenant_id, external_id);
"""
_COLUMNS = "secret_hash, owner_id, owner_home, created_at, created_by, last_used_at"


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "scim_token", app=f"SELECT, INSERT, UPDATE ({_COLUMNS}), DELETE")
    protect(op, "scim_user", app="SELECT, INSERT, UPDATE (external_id, attributes, removed)")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
