"""Service credits: a client's terms, and its months against the target."""

from alembic import op

from foundation.database.rls import protect

revision = "202611301351"
down_revision = "202611301350"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE sla_terms (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    bands jsonb NOT NULL,
    most_pct numeric(6, 3) NOT NULL,
    from_month date NOT NULL,
    set_at timestamptz NOT NULL,
    set_by varchar NOT NULL,
    CONSTRAINT pk_sla_terms PRIMARY KEY (tenant_id)
);

CREATE TABLE sla_credit (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    month date NOT NULL,
    deliveries bigint NOT NULL,
    late bigint NOT NULL,
    breaches jsonb NOT NULL,
    attained_pct numeric(6, 3) NOT NULL,
    target_pct numeric(6, 3) NOT NULL,
    credit_pct numeric(6, 3) NOT NULL,
    state varchar NOT NULL,
    measured_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by varchar,
    reason varchar,
    CONSTRAINT pk_sla_credit PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_sla_credit_tenant_id_month UNIQUE (tenant_id, month),
    CONSTRAINT ck_sla_credit_state CHECK (state IN ('met', 'proposed', 'approved', 'rejected')),
    CONSTRAINT ck_sla_credit_late CHECK (late >= 0 AND late <= deliveries)
);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "sla_terms", app="SELECT, INSERT, UPDATE (bands, from_month, most_pct, set_at, set_by)")
    protect(op, "sla_credit", app="SELECT, INSERT, UPDATE (decided_at, decided_by, reason, state)")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
