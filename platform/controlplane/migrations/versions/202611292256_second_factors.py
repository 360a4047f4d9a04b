"""Second factors of members, and the roles that need one."""

from alembic import op

from foundation.database.rls import protect

revision = "202611292256"
down_revision = "202611292255"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE member_totp (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    member_id uuid NOT NULL,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    last_step bigint NOT NULL,
    CONSTRAINT pk_member_totp PRIMARY KEY (tenant_id, member_id)
);
CREATE TABLE recovery_code (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    member_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    CONSTRAINT pk_recovery_code PRIMARY KEY (tenant_id, member_id, code_hash)
);
CREATE TABLE second_factor_rule (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    role varchar NOT NULL,
    set_at timestamptz NOT NULL,
    set_by varchar NOT NULL,
    CONSTRAINT pk_second_factor_rule PRIMARY KEY (tenant_id, role)
);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "member_totp", app="SELECT, INSERT, UPDATE (confirmed_at, created_at, last_step, secret), DELETE")
    protect(op, "recovery_code", app="SELECT, INSERT, DELETE")
    protect(op, "second_factor_rule", app="SELECT, INSERT, DELETE")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
