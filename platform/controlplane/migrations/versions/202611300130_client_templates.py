"""Templates of an MSP for its clients, and their use by clients."""

from alembic import op

from foundation.database.rls import protect

revision = "202611300130"
down_revision = "202611300129"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE client_template (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    name varchar NOT NULL,
    version integer NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_client_template PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_client_template_name UNIQUE (tenant_id, name)
);

CREATE TABLE client_template_version (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    template_id uuid NOT NULL,
    version integer NOT NULL,
    content jsonb NOT NULL,
    note varchar NOT NULL,
    created_at timestamptz NOT NULL,
    created_by varchar NOT NULL,
    CONSTRAINT pk_client_template_version PRIMARY KEY (tenant_id, template_id, version)
);

CREATE TABLE client_template_use (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    template_id uuid NOT NULL,
    template_name varchar NOT NULL,
    version integer NOT NULL,
    content jsonb NOT NULL,
    kept varchar[] NOT NULL,
    applied_at timestamptz NOT NULL,
    applied_by varchar NOT NULL,
    CONSTRAINT pk_client_template_use PRIMARY KEY (tenant_id)
);
CREATE INDEX ix_client_template_use_msp_id_template_id ON client_template_use (msp_id, template_id);

ALTER TABLE client_import_row ADD COLUMN template varchar NOT NULL DEFAULT '';
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "client_template", app="SELECT, INSERT, UPDATE (changed_at, name, version)", fleet=True)
    protect(op, "client_template_version", fleet=True)
    protect(
        op,
        "client_template_use",
        app="SELECT, INSERT, UPDATE (applied_at, applied_by, content, kept, template_id, template_name, version)",
        fleet=True,
    )


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
