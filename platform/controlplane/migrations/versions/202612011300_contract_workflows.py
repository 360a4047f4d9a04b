"""The workflow of a contract decides who answers its changes; before, it was a name without effect."""

from alembic import op

revision = "202612011300"
down_revision = "202612011200"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE element_contract NO FORCE ROW LEVEL SECURITY")  # the owner changes every account's rows
    op.execute("UPDATE element_contract SET workflow = 'policy' WHERE workflow NOT IN ('policy', 'always_approve')")
    op.execute("ALTER TABLE element_contract FORCE ROW LEVEL SECURITY")
    op.execute("""
        ALTER TABLE element_contract ADD CONSTRAINT ck_element_contract_workflow
            CHECK (workflow IN ('policy', 'always_approve'))
    """)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
