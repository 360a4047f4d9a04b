"""State of a template's plan and prices in each client that follows it, and the times at which gates were passed."""

from alembic import op

from foundation.database.roles import APP

revision = "202611301600"
down_revision = "202611301352"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE client_template_use ADD COLUMN billing_due_at timestamptz, ADD COLUMN billing_problem jsonb"
    )
    op.execute(f"GRANT UPDATE (billing_due_at, billing_problem) ON client_template_use TO {APP}")
    op.execute("ALTER TABLE onboarding_project ADD COLUMN gates_passed jsonb NOT NULL DEFAULT '{}'")
    op.execute(f"GRANT UPDATE (gates_passed) ON onboarding_project TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
