"""A client's jobs can read their MSP's brand, for mail and files."""

from alembic import op

from foundation.database.rls import MSP
from foundation.database.roles import APP

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Only in a transaction that asks for it, as `branding.directory` does: pages have the brand of their host."""
    op.execute(
        f"CREATE POLICY brand_own ON brand FOR SELECT TO {APP}"
        f" USING (current_setting('app.brand', true) = 'own' AND tenant_id = {MSP} AND msp_id = {MSP})"
    )


def downgrade() -> None:
    op.execute("DROP POLICY brand_own ON brand")
