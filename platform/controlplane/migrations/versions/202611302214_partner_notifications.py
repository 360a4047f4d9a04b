"""Notifications of trading partners' members, which row-level security shows to that partner only."""

from alembic import op

from foundation.database.rls import NO_PARTNER, PARTNER

revision = "202611302214"
down_revision = "202611302213"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("notification", "notification_setting"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN partner_id uuid")
        op.execute(f"ALTER POLICY {table}_partner ON {table} USING ({NO_PARTNER} OR partner_id = (SELECT {PARTNER}))")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
