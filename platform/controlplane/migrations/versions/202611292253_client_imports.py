"""Imports of clients from CSV files, in the MSP account."""

from alembic import op

from foundation.database.rls import protect

revision = "202611292253"
down_revision = "202611292252"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE client_import (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    state varchar NOT NULL,
    total integer NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    actor_kind varchar NOT NULL,
    actor_id varchar NOT NULL,
    actor_name varchar NOT NULL,
    CONSTRAINT pk_client_import PRIMARY KEY (tenant_id, id),
    CONSTRAINT ck_client_import_state CHECK (state IN ('running', 'done'))
);
CREATE UNIQUE INDEX uq_client_import_running ON client_import (tenant_id) WHERE state = 'running';

CREATE TABLE client_import_row (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    import_id uuid NOT NULL,
    line integer NOT NULL,
    client jsonb NOT NULL,
    state varchar NOT NULL,
    error jsonb,
    CONSTRAINT pk_client_import_row PRIMARY KEY (tenant_id, import_id, line),
    CONSTRAINT ck_client_import_row_state CHECK (state IN ('waiting', 'created', 'existing', 'failed'))
);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "client_import", app="SELECT, INSERT, UPDATE (ended_at, state)")
    protect(op, "client_import_row", app="SELECT, INSERT, UPDATE (error, state)")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
