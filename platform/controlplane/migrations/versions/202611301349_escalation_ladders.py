"""Escalation ladders, the steps that were reached, and time that does not count."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import PURGE

revision = "202611301349"
down_revision = "202611301348"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE escalation_ladder (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    steps jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by varchar NOT NULL,
    CONSTRAINT pk_escalation_ladder PRIMARY KEY (tenant_id, owner_id)
);
CREATE TABLE escalation (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    about varchar NOT NULL,
    subject_id uuid NOT NULL,
    after_minutes integer NOT NULL,
    role varchar NOT NULL,
    least_severity smallint NOT NULL,
    due_at timestamptz NOT NULL,
    reached_at timestamptz NOT NULL,
    notified jsonb NOT NULL,
    CONSTRAINT pk_escalation PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_escalation_subject_step UNIQUE (tenant_id, subject_id, after_minutes, role)
);
CREATE TABLE escalation_pause (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    paused_from timestamptz NOT NULL,
    paused_until timestamptz NOT NULL,
    CONSTRAINT pk_escalation_pause PRIMARY KEY (tenant_id, paused_from)
);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "escalation_ladder", app="SELECT, INSERT, DELETE, UPDATE (changed_at, changed_by, steps)", fleet=True)
    protect(op, "escalation", fleet=True)
    protect(op, "escalation_pause", fleet=True)
    op.execute(f"GRANT DELETE ON escalation TO {PURGE}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
