"""Tryton takes orders, on existing connections too."""

from alembic import op

revision = "202611291528"
down_revision = "202611291526"
branch_labels = None
depends_on = None

# A change of type rewrites every tenant's rows, where an UPDATE would see none of them.
_CONVERT = """
ALTER TABLE connection ALTER COLUMN writes TYPE varchar[] USING CASE kind WHEN 'tryton' THEN
    '{order.document}'::varchar[] ELSE writes END;
"""


def upgrade() -> None:
    op.execute(_CONVERT)


def downgrade() -> None:
    raise NotImplementedError("The schema never goes back. Restore a backup instead.")
