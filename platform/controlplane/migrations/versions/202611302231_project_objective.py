"""Objective and first journey of onboarding projects, whose sponsors an MSP's staff read for all clients."""

from alembic import op

from foundation.database.rls import SAME_MSP
from foundation.database.roles import APP, FLEET

revision = "202611302231"
down_revision = "202611302224"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE onboarding_project ADD COLUMN objective varchar NOT NULL DEFAULT '',
                    ADD COLUMN objective_target varchar NOT NULL DEFAULT '',
                    ADD COLUMN first_journey varchar NOT NULL DEFAULT ''
    """)
    op.execute(f"GRANT UPDATE (first_journey, objective, objective_target) ON onboarding_project TO {APP}")
    op.execute(f"CREATE POLICY onboarding_project_fleet ON onboarding_project FOR SELECT TO {FLEET} USING ({SAME_MSP})")
    op.execute(f"GRANT SELECT ON onboarding_project TO {FLEET}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
