"""Saved views of lists, members' default views, and whether a member uses keyboard shortcuts."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP

revision = "202611300225"
down_revision = "202611300224"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE list_view (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    member_id uuid NOT NULL,
    list varchar NOT NULL,
    name varchar NOT NULL,
    is_shared boolean NOT NULL,
    filters jsonb NOT NULL,
    sort varchar NOT NULL,
    columns varchar[] NOT NULL,
    saved_at timestamptz NOT NULL,
    saved_by varchar NOT NULL,
    CONSTRAINT pk_list_view PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX uq_list_view_name ON list_view (tenant_id, list, member_id, name);

CREATE TABLE list_view_default (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    member_id uuid NOT NULL,
    list varchar NOT NULL,
    view_id uuid NOT NULL,
    CONSTRAINT pk_list_view_default PRIMARY KEY (tenant_id, member_id, list)
);
CREATE INDEX ix_list_view_default_view ON list_view_default (tenant_id, view_id);

ALTER TABLE member ADD COLUMN shortcuts boolean NOT NULL DEFAULT true;
"""


def upgrade() -> None:
    op.execute(_TABLES)
    changed = "columns, filters, is_shared, name, saved_at, saved_by, sort"
    protect(op, "list_view", app=f"SELECT, INSERT, DELETE, UPDATE ({changed})")
    protect(op, "list_view_default", app="SELECT, INSERT, DELETE, UPDATE (view_id)")
    op.execute(f"GRANT UPDATE (shortcuts) ON member TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
