"""An MSP's own account reads the heads of its clients' audit chains, to export them."""

from alembic import op

from foundation.database.rls import SAME_MSP
from foundation.database.roles import FLEET

revision = "202611290316"
down_revision = "202611290315"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Sequence numbers and hashes say nothing of what was done."""
    op.execute(f"CREATE POLICY audit_head_fleet ON audit_head FOR SELECT TO {FLEET} USING ({SAME_MSP})")
    op.execute(f"GRANT SELECT ON audit_head TO {FLEET}")


def downgrade() -> None:
    op.execute(f"REVOKE SELECT ON audit_head FROM {FLEET}")
    op.execute("DROP POLICY audit_head_fleet ON audit_head")
