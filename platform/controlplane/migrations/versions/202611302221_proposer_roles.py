"""Roles of the person who proposed a change, for rules that name them."""

from alembic import op

revision = "202611302221"
down_revision = "202611302214"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE change ADD COLUMN author_roles varchar[] NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE scheduled_proposal ADD COLUMN author_roles varchar[] NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
