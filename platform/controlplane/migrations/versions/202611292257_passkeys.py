"""Passkeys of members."""

from alembic import op

from foundation.database.rls import protect

revision = "202611292257"
down_revision = "202611292256"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE passkey (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    member_id uuid NOT NULL,
    name varchar NOT NULL,
    credential_id bytea NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    rp_id varchar NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    CONSTRAINT pk_passkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_passkey_tenant_id_credential_id UNIQUE (tenant_id, credential_id)
);
CREATE INDEX ix_passkey_tenant_id_member_id ON passkey (tenant_id, member_id);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "passkey", app="SELECT, INSERT, UPDATE (last_used_at, sign_count), DELETE")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
