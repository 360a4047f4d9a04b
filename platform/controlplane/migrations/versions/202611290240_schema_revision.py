"""The run-time roles may read the schema's revision, so that each process knows whether the schema fits it."""

from alembic import op

revision = "202611290240"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT SELECT ON alembic_version TO fairlead_app, fairlead_intake, fairlead_relay")


def downgrade() -> None:
    op.execute("REVOKE SELECT ON alembic_version FROM fairlead_app, fairlead_intake, fairlead_relay")
