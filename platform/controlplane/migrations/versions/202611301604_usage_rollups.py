"""Roll-ups of usage, and those that are on invoice lines. Usage entered before is rated event by event, as it was."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import APP, PURGE

revision = "202611301604"
down_revision = "202611301603"
branch_labels = None
depends_on = None

_TABLES = """
ALTER TABLE usage_event ADD COLUMN recording_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
CREATE TABLE usage_rollup (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    meter varchar NOT NULL,
    recording_id uuid NOT NULL,
    hour timestamptz NOT NULL,
    rows bigint NOT NULL,
    events bigint NOT NULL,
    quantity numeric NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    first_id uuid NOT NULL,
    last_id uuid NOT NULL,
    CONSTRAINT pk_usage_rollup PRIMARY KEY (tenant_id, meter, recording_id, hour)
);
CREATE INDEX ix_usage_rollup_last ON usage_rollup USING brin (tenant_id, last_at) WITH (autosummarize = on);
CREATE TABLE rated_rollup (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    side varchar NOT NULL,
    meter varchar NOT NULL,
    recording_id uuid NOT NULL,
    hour timestamptz NOT NULL,
    invoice_id uuid NOT NULL,
    line_id uuid,
    rows bigint NOT NULL,
    events bigint NOT NULL,
    quantity numeric NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    first_id uuid NOT NULL,
    last_id uuid NOT NULL,
    CONSTRAINT pk_rated_rollup PRIMARY KEY (tenant_id, side, meter, recording_id, hour),
    CONSTRAINT ck_rated_rollup_side CHECK (side IN ('wholesale', 'retail'))
);
CREATE INDEX ix_rated_rollup_line ON rated_rollup (tenant_id, line_id, first_id);
CREATE INDEX ix_rated_rollup_last ON rated_rollup USING brin (tenant_id, last_at) WITH (autosummarize = on);
"""
# A roll-up without a line is rated event by event; usage that is already rated stays as it is.
_EARLIER = """
INSERT INTO usage_rollup
SELECT tenant_id, msp_id, meter, recording_id, date_trunc('hour', occurred_at, 'UTC'), count(*),
       sum(CASE WHEN is_reversal THEN -1 ELSE 1 END), sum(quantity), min(occurred_at), max(occurred_at),
       CAST(min(CAST(id AS text)) AS uuid), CAST(max(CAST(id AS text)) AS uuid)
  FROM usage_event GROUP BY 1, 2, 3, 4, 5;
INSERT INTO rated_rollup
SELECT u.tenant_id, u.msp_id, s.side, u.meter, u.recording_id, u.hour, '00000000-0000-0000-0000-000000000000', NULL,
       u.rows, u.events, u.quantity, u.first_at, u.last_at, u.first_id, u.last_id
  FROM usage_rollup u, (VALUES ('retail'), ('wholesale')) AS s (side);
"""
_RATING = "current_setting('app.billing', true) = 'rating'"


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute("ALTER TABLE usage_event NO FORCE ROW LEVEL SECURITY")
    op.execute(_EARLIER)
    op.execute("ALTER TABLE usage_event FORCE ROW LEVEL SECURITY")
    protect(op, "usage_rollup", app="SELECT, INSERT", fleet=True)
    protect(op, "rated_rollup", app="SELECT, INSERT, UPDATE (line_id)", fleet=True)
    op.execute(f"GRANT DELETE ON usage_rollup, rated_rollup TO {PURGE}")
    op.execute(
        f"CREATE POLICY rated_rollup_side ON rated_rollup AS RESTRICTIVE TO {APP} USING (side = 'retail' OR {_RATING})"
    )


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
