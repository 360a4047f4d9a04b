"""Mark of onboarding tasks that were announced as overdue or blocked."""

from alembic import op

from foundation.database.roles import APP

revision = "202611302206"
down_revision = "202611302205"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE onboarding_task ADD COLUMN stuck_noted boolean NOT NULL DEFAULT false")
    op.execute(f"GRANT UPDATE (stuck_noted) ON onboarding_task TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
