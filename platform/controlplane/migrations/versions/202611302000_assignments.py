"""Assignees of approvals and exceptions, and comments on both."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import PURGE

revision = "202611302000"
down_revision = "202611301902"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE item_assignment (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    about varchar NOT NULL,
    member_id uuid NOT NULL,
    name varchar NOT NULL,
    assigned_at timestamptz NOT NULL,
    assigned_by varchar NOT NULL,
    CONSTRAINT pk_item_assignment PRIMARY KEY (tenant_id, subject_id)
);
CREATE INDEX ix_item_assignment_member ON item_assignment (msp_id, member_id);
CREATE TABLE item_comment (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    subject_id uuid NOT NULL,
    about varchar NOT NULL,
    author_id varchar NOT NULL,
    author varchar NOT NULL,
    body varchar NOT NULL,
    written_at timestamptz NOT NULL,
    CONSTRAINT pk_item_comment PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ix_item_comment_subject ON item_comment (tenant_id, subject_id, written_at);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(
        op, "item_assignment", app="SELECT, INSERT, DELETE, UPDATE (assigned_at, assigned_by, member_id, name)",
        fleet=True,
    )  # fmt: skip
    protect(op, "item_comment")
    op.execute(f"GRANT DELETE ON item_assignment, item_comment TO {PURGE}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
