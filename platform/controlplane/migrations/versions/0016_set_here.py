"""A contract without a source connection: the element is set here, by people and API clients."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE element_contract ALTER source_connection_id DROP NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE element_contract ALTER source_connection_id SET NOT NULL")
