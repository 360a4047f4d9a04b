"""Counting by declared meters: aggregation, dimension, percentile, filters, and the events to read."""

from alembic import op

revision = "202611301215"
down_revision = "202611301214"
branch_labels = None
depends_on = None


_COLUMNS = """
ALTER TABLE meter_definition
    ADD COLUMN event varchar NOT NULL DEFAULT '',
    ADD COLUMN aggregation varchar NOT NULL DEFAULT 'sum',
    ADD COLUMN dimension varchar NOT NULL DEFAULT '',
    ADD COLUMN percentile numeric(6, 3) NOT NULL DEFAULT 95,
    ADD COLUMN filters jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT ck_meter_definition_aggregation CHECK (aggregation IN
        ('sum', 'count', 'max', 'unique', 'latest', 'time_weighted', 'percentile')),
    ADD CONSTRAINT ck_meter_definition_percentile CHECK (percentile > 0 AND percentile <= 100);
"""


def upgrade() -> None:
    op.execute(_COLUMNS)


def downgrade() -> None:
    pass
