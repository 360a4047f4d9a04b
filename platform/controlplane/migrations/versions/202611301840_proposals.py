"""Proposals of people: their notes, and proposals for a later time."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import PURGE

revision = "202611301840"
down_revision = "202611301710"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE scheduled_proposal (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    record_key varchar NOT NULL,
    element varchar NOT NULL,
    dimension varchar NOT NULL,
    record_type varchar NOT NULL,
    value jsonb NOT NULL,
    note varchar NOT NULL,
    effective_at timestamptz NOT NULL,
    state varchar NOT NULL,
    author varchar NOT NULL,
    author_name varchar NOT NULL,
    on_behalf_of varchar NOT NULL,
    scheduled_at timestamptz NOT NULL,
    change_id uuid,
    failure jsonb,
    ended_at timestamptz,
    ended_by varchar,
    CONSTRAINT pk_scheduled_proposal PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX uq_scheduled_proposal_key
    ON scheduled_proposal (tenant_id, record_key, element, dimension, record_type, effective_at)
 WHERE state = 'scheduled';
CREATE INDEX ix_scheduled_proposal_due ON scheduled_proposal (tenant_id, effective_at, id);
"""


def upgrade() -> None:
    op.execute("ALTER TABLE change ADD COLUMN note varchar NOT NULL DEFAULT ''")
    op.execute(_TABLE)
    protect(
        op, "scheduled_proposal", app="SELECT, INSERT, UPDATE (state, change_id, failure, ended_at, ended_by)",
        fleet=True,
    )  # fmt: skip
    op.execute(f"GRANT DELETE ON scheduled_proposal TO {PURGE}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
