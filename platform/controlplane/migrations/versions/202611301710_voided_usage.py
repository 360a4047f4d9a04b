"""Usage that lines of voided invoices charged. Retention may delete rated roll-ups of both sides."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP, PURGE

revision = "202611301710"
down_revision = "202611301651"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE voided_usage (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    line_id uuid NOT NULL,
    recording_id uuid NOT NULL,
    hour timestamptz NOT NULL,
    first_id uuid NOT NULL,
    last_id uuid NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    side varchar NOT NULL,
    CONSTRAINT pk_voided_usage PRIMARY KEY (tenant_id, line_id, recording_id, hour, first_id),
    CONSTRAINT ck_voided_usage_side CHECK (side IN ('wholesale', 'retail'))
);
"""
_SIDE = f"side = 'retail' OR current_setting('app.billing', true) = 'rating' OR current_user = '{PURGE}'"


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "voided_usage", app="SELECT, INSERT", fleet=True)
    op.execute(f"GRANT DELETE ON voided_usage TO {PURGE}")
    op.execute("DROP POLICY rated_rollup_side ON rated_rollup")
    for table in ("voided_usage", "rated_rollup"):
        op.execute(f"CREATE POLICY {table}_side ON {table} AS RESTRICTIVE TO {APP} USING ({_SIDE})")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
