"""Errors of jobs, dead letters, connections, baselines and delivery attempts are messages."""

from alembic import op

from controlplane.stored_functions import replace_functions

revision = "202611291921"
down_revision = "202611291913"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("job", "error"),
    ("dead_letter", "error"),
    ("connection", "last_error"),
    ("baseline_part", "error"),
    ("propagation_attempt", "detail"),
)
# A change of type rewrites every tenant's rows, where an UPDATE would see none of them. Stored texts are kept as they
# are.
_CONVERT = """
ALTER TABLE {table} ALTER COLUMN {column} TYPE jsonb USING CASE WHEN {column} IS NOT NULL
    THEN jsonb_build_object('code', 'legacy', 'params', jsonb_build_object('text', {column})) END
"""
# A parameter's type changes, which makes another function of it.
_DROP = """
DROP FUNCTION IF EXISTS lane_finish(
    uuid, varchar, bigint, bigint[], bigint[], double precision[], varchar[], smallint, double precision, smallint,
    boolean[], boolean[]);
"""


def upgrade() -> None:
    for table, column in _COLUMNS:
        op.execute(_CONVERT.format(table=table, column=column))
    op.execute(_DROP)
    replace_functions(op.get_bind(), "lanes")


def downgrade() -> None:
    """Not offered: the sentences of messages stored since then cannot be restored from their codes."""
    raise NotImplementedError("This step cannot be taken back. Restore a backup instead.")
