"""Custom roles: an account's own roles, composed of permissions."""

from alembic import op

from foundation.database.rls import protect

revision = "202611292212"
down_revision = "202611292202"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE policy_role (
            tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
            id varchar NOT NULL,
            name varchar NOT NULL,
            about varchar NOT NULL,
            permissions varchar[] NOT NULL,
            created_at timestamptz NOT NULL,
            created_by_name varchar NOT NULL,
            changed_at timestamptz NOT NULL,
            changed_by_name varchar NOT NULL,
            CONSTRAINT pk_policy_role PRIMARY KEY (tenant_id, id)
        )
    """)
    op.execute("CREATE UNIQUE INDEX uq_policy_role_name ON policy_role (tenant_id, lower(name))")
    # Partners see their own rights, which the policy's compilation reads.
    protect(
        op,
        "policy_role",
        app="SELECT, INSERT, UPDATE (about, changed_at, changed_by_name, name, permissions), DELETE",
        partner="open",
    )


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
