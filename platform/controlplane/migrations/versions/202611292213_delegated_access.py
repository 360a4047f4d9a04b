"""Requests of an MSP's staff for access to a client, and the client's setting whether staff need them."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP

revision = "202611292213"
down_revision = "202611292212"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE client ADD COLUMN staff_access varchar NOT NULL DEFAULT 'standing',
            ADD CONSTRAINT ck_client_staff_access CHECK (staff_access IN ('standing', 'on_request'))
    """)
    op.execute(f"GRANT UPDATE (staff_access) ON client TO {APP}")
    op.execute("""
        CREATE TABLE access_grant (
            tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
            id uuid NOT NULL,
            member_id uuid NOT NULL,
            member_name varchar NOT NULL,
            role varchar NOT NULL,
            reason varchar NOT NULL,
            hours integer NOT NULL,
            state varchar NOT NULL,
            requested_at timestamptz NOT NULL,
            decided_at timestamptz,
            decided_by_name varchar,
            ends_at timestamptz,
            used_at timestamptz,
            ended_at timestamptz,
            ended_by_name varchar,
            CONSTRAINT pk_access_grant PRIMARY KEY (tenant_id, id),
            CONSTRAINT ck_access_grant_state CHECK
                (state IN ('requested', 'granted', 'refused', 'withdrawn', 'revoked')),
            CONSTRAINT ck_access_grant_hours CHECK (hours BETWEEN 1 AND 720),
            CONSTRAINT ck_access_grant_has_end CHECK (state NOT IN ('granted', 'revoked') OR ends_at IS NOT NULL)
        )
    """)
    op.execute(
        "CREATE INDEX ix_access_grant_open ON access_grant (tenant_id, member_id)"
        " WHERE state IN ('requested', 'granted')"
    )
    protect(
        op,
        "access_grant",
        app="SELECT, INSERT, UPDATE (decided_at, decided_by_name, ended_at, ended_by_name, ends_at, state, used_at)",
    )


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
