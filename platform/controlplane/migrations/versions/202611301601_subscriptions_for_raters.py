"""Subscriptions of its clients, for an MSP's account that makes price books."""

from alembic import op

from foundation.database.rls import MSP, TENANT
from foundation.database.roles import APP

revision = "202611301601"
down_revision = "202611301600"
branch_labels = None
depends_on = None

_RATING = "current_setting('app.billing', true) = 'rating'"


def upgrade() -> None:
    for table in ("subscription", "subscription_step"):
        op.execute(
            f"CREATE POLICY {table}_rating ON {table} FOR SELECT TO {APP}"
            f" USING (msp_id = {MSP} AND {TENANT} = {MSP} AND {_RATING})"
        )


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
