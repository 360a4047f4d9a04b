"""Facts that tasks of onboarding projects follow, and their waivers."""

from alembic import op

from foundation.database.roles import APP

revision = "202611301259"
down_revision = "202611301253"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE onboarding_task ADD COLUMN fact varchar, ADD COLUMN waiver varchar,
            ADD COLUMN waived_at timestamptz, ADD COLUMN waived_by varchar
    """)
    op.execute(f"GRANT UPDATE (waived_at, waived_by, waiver) ON onboarding_task TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
