"""Every tenant's timers are checked every few minutes, from a column that no job can lose."""

from alembic import op

revision = "202611290248"
down_revision = "202611290240"
branch_labels = None
depends_on = None

# Not while resting, for its jobs would pile up; not while one waits. A few per pass, so that tenants do not all come
# at once.
_FIRE = """
CREATE FUNCTION repairs_fire() RETURNS integer LANGUAGE sql AS $$
    WITH due AS (
        SELECT s.tenant_id FROM lane_share s
         WHERE s.repair_at <= clock_timestamp() AND NOT s.resting
         ORDER BY s.repair_at LIMIT 20 FOR UPDATE SKIP LOCKED
    ), set_next AS (
        UPDATE lane_share s SET repair_at = clock_timestamp() + interval '5 minutes' * (0.5 + random())
          FROM due WHERE s.tenant_id = due.tenant_id RETURNING s.tenant_id, s.msp_id
    ), put AS (
        INSERT INTO work (tenant_id, msp_id, lane, kind, key)
        SELECT n.tenant_id, n.msp_id, 'repair', 'foundation.repair_timers', 'repair' FROM set_next n
         WHERE NOT EXISTS (SELECT 1 FROM work w WHERE w.tenant_id = n.tenant_id AND w.lane = 'repair')
        RETURNING 1
    )
    SELECT count(*)::integer FROM put
$$
"""


def upgrade() -> None:
    op.execute(
        "ALTER TABLE lane_share ADD COLUMN repair_at timestamptz NOT NULL"
        " DEFAULT clock_timestamp() + interval '5 minutes'"
    )
    op.execute("CREATE INDEX ix_lane_share_repair_at ON lane_share (repair_at) WHERE NOT resting")
    op.execute("GRANT UPDATE (repair_at) ON lane_share TO fairlead_relay")
    op.execute(_FIRE)


def downgrade() -> None:
    op.execute("DROP FUNCTION repairs_fire")
    op.execute("ALTER TABLE lane_share DROP COLUMN repair_at")
