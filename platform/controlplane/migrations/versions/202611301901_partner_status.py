"""The status of trading partners. Their name and kind may change, and the partner of a connection."""

from alembic import op

from foundation.database.roles import APP

revision = "202611301901"
down_revision = "202611301900"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE partner ADD status varchar NOT NULL DEFAULT 'active'")
    op.execute("ALTER TABLE partner ADD CONSTRAINT ck_partner_status CHECK (status IN ('active', 'suspended'))")
    op.execute(f"GRANT UPDATE (name, kind, status) ON partner TO {APP}")
    op.execute(f"GRANT UPDATE (partner_id) ON connection TO {APP}")
    op.execute(f"GRANT UPDATE (partner_id) ON propagation TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
