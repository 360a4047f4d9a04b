"""Columns in common terms: `on_behalf_of`, `decided_by_id` and `subject_id`."""

from alembic import op

revision = "202611291238"
down_revision = "202611291227"
branch_labels = None
depends_on = None

_RENAME = """
ALTER TABLE api_key RENAME COLUMN maker_id TO on_behalf_of_id;
ALTER TABLE change RENAME COLUMN maker TO on_behalf_of;
ALTER TABLE baseline RENAME COLUMN decider TO decided_by_id;
ALTER TABLE usage_event RENAME COLUMN about TO subject_id;
"""


def upgrade() -> None:
    op.execute(_RENAME)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
