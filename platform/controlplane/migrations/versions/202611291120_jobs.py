"""Jobs in common terms: table `work` becomes `job`, with `payload`, `delayed` and `is_retry`."""

from alembic import op

from controlplane.stored_functions import replace_functions

revision = "202611291120"
down_revision = "202611290948"
branch_labels = None
depends_on = None

# Every name that begins with the table's is renamed: else a second table `work` could not be created one day.
_RENAME = """
ALTER TABLE work RENAME TO job;
ALTER TABLE job RENAME COLUMN body TO payload;
ALTER TABLE job RENAME COLUMN held TO delayed;
ALTER TABLE job RENAME COLUMN again TO is_retry;
ALTER TABLE job RENAME CONSTRAINT pk_work TO pk_job;
ALTER INDEX ix_work_due RENAME TO ix_job_due;
ALTER INDEX ix_work_held RENAME TO ix_job_delayed;
ALTER SEQUENCE work_seq_seq RENAME TO job_seq_seq;
ALTER TABLE dead_letter RENAME COLUMN body TO payload;

DO $$
DECLARE v_name name;
BEGIN
    FOR v_name IN SELECT polname FROM pg_policy WHERE polrelid = 'job'::regclass AND starts_with(polname, 'work_') LOOP
        EXECUTE format('ALTER POLICY %I ON job RENAME TO %I', v_name, 'job_' || substr(v_name, 6));
    END LOOP;
END $$;
"""
# Their parameters are renamed, which CREATE OR REPLACE refuses.
_DROP = """
DROP FUNCTION IF EXISTS lane_claim(uuid, uuid, varchar, varchar, varchar, interval, integer);
DROP FUNCTION IF EXISTS lane_finish(
    uuid, varchar, bigint, bigint[], bigint[], double precision[], varchar[], smallint, double precision, smallint,
    boolean[], boolean[]);
"""


def upgrade() -> None:
    op.execute(_RENAME)
    op.execute(_DROP)
    for subject in ("lanes", "timers"):
        replace_functions(op.get_bind(), subject)


def downgrade() -> None:
    raise NotImplementedError("The schema never goes back. Restore a backup instead.")
