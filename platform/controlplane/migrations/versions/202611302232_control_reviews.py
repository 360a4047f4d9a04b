"""Control reviews of clients, and the time of the installation's last backup as evidence."""

from alembic import op

from controlplane.stored_functions import replace_functions
from foundation.database.rls import protect

revision = "202611302232"
down_revision = "202611302231"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE control_review_schedule (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    cadence varchar NOT NULL,
    starts_on date NOT NULL,
    days smallint NOT NULL,
    next_on date,
    changed_at timestamptz NOT NULL,
    changed_by varchar NOT NULL,
    CONSTRAINT pk_control_review_schedule PRIMARY KEY (tenant_id)
);

CREATE TABLE control_review (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    scheduled_on date NOT NULL,
    due_on date NOT NULL,
    state varchar NOT NULL,
    findings jsonb NOT NULL,
    collected_at timestamptz NOT NULL,
    overdue_at timestamptz,
    signed_at timestamptz,
    signed_by varchar,
    signed_by_id uuid,
    note varchar,
    CONSTRAINT pk_control_review PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_control_review_scheduled_on UNIQUE (tenant_id, scheduled_on),
    CONSTRAINT ck_control_review_state CHECK (state IN ('open', 'signed'))
);
CREATE INDEX ix_control_review_msp_id_due_on ON control_review (msp_id, due_on, id) WHERE state = 'open';
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(
        op, "control_review_schedule",
        app="SELECT, INSERT, UPDATE (cadence, changed_at, changed_by, days, next_on, starts_on)",
    )  # fmt: skip
    protect(
        op, "control_review", fleet=True,
        app="SELECT, INSERT, UPDATE (collected_at, findings, note, overdue_at, signed_at, signed_by, signed_by_id,"
            " state)",
    )  # fmt: skip
    replace_functions(op.get_bind(), "backup")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
