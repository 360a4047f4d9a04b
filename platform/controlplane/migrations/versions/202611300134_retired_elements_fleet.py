"""Right of an MSP's staff to read the codes and retirement of their clients' custom elements."""

from alembic import op

from foundation.database.rls import SAME_MSP
from foundation.database.roles import FLEET

revision = "202611300134"
down_revision = "202611300133"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(f"CREATE POLICY custom_element_fleet ON custom_element FOR SELECT TO {FLEET} USING ({SAME_MSP})")
    op.execute(f"GRANT SELECT (tenant_id, msp_id, code, retired_at) ON custom_element TO {FLEET}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
