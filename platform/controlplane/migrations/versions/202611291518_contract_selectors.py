"""Selectors of contracts: an element may have several contracts; the one without a selector is for other records."""

from alembic import op

from foundation.database.roles import APP

revision = "202611291518"
down_revision = "202611291509"
branch_labels = None
depends_on = None

_SELECTOR = """
ALTER TABLE element_contract ADD COLUMN selector varchar NOT NULL DEFAULT '';
ALTER TABLE element_contract DROP CONSTRAINT pk_element_contract,
    ADD CONSTRAINT pk_element_contract PRIMARY KEY (tenant_id, element, selector);
"""


def upgrade() -> None:
    op.execute(_SELECTOR)
    op.execute(f"GRANT DELETE ON element_contract TO {APP}")  # of contracts with a selector that are removed


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
