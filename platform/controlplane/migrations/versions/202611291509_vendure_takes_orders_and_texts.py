"""Vendure reports orders, and takes product texts and the status of orders, on existing connections too."""

from alembic import op

revision = "202611291509"
down_revision = "202611291452"
branch_labels = None
depends_on = None

# A change of type rewrites every tenant's rows, where an UPDATE would see none of them.
_CONVERT = """
ALTER TABLE connection ALTER COLUMN is_source TYPE boolean USING is_source OR kind = 'vendure';
ALTER TABLE connection ALTER COLUMN writes TYPE varchar[] USING CASE kind WHEN 'vendure' THEN
    '{order.status,price.list,product.description,product.name,stock.on_hand}'::varchar[] ELSE writes END;
"""


def upgrade() -> None:
    op.execute(_CONVERT)


def downgrade() -> None:
    raise NotImplementedError("The schema never goes back. Restore a backup instead.")
