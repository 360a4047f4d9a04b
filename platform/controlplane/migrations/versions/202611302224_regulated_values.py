"""Contracts of regulated values, whose changes people decide."""

from alembic import op

revision = "202611302224"
down_revision = "202611302223"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE element_contract DROP CONSTRAINT element_contract_sensitivity_check")
    op.execute(
        "ALTER TABLE element_contract ADD CONSTRAINT element_contract_sensitivity_check"
        " CHECK (sensitivity IN ('public', 'internal', 'confidential', 'personal', 'regulated'))"
    )


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
