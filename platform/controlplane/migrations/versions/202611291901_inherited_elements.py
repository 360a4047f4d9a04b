"""Custom elements of an MSP, which its clients share."""

from alembic import op

from foundation.database.rls import MSP, SAME_MSP, TENANT
from foundation.database.roles import APP

revision = "202611291901"
down_revision = "202611291833"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        f"CREATE POLICY custom_element_inherited ON custom_element FOR SELECT TO {APP}"
        f" USING (tenant_id = {MSP} AND {SAME_MSP})"
    )
    # An MSP's declaration must not take a code that one of its clients uses, so the MSP account sees theirs.
    op.execute(
        f"CREATE POLICY custom_element_clients ON custom_element FOR SELECT TO {APP}"
        f" USING ((SELECT CASE WHEN {TENANT} = {MSP} THEN true END) IS NOT NULL AND {SAME_MSP})"
    )


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
