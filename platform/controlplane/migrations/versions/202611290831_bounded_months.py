"""Months are created a dozen at a time, and also where retention has dropped every month there was."""

from alembic import op

from foundation.database.partitions import CREATE_AHEAD

revision = "202611290831"
down_revision = "202611290827"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replaced in place: its rights stay as they are."""
    op.execute(CREATE_AHEAD)


def downgrade() -> None:
    """The function of before did the same, without a bound."""
