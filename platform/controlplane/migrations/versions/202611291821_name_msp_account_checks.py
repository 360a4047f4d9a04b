"""The checks of tables that only an MSP's own account has rows of lose the name `house`."""

from alembic import op

revision = "202611291821"
down_revision = "202611291528"
branch_labels = None
depends_on = None

_TABLES = ("brand", "brand_domain", "price_book", "retention_default")


def upgrade() -> None:
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT ck_{table}_house TO ck_{table}_msp_account")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
