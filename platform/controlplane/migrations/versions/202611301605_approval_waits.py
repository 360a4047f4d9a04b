"""The wait that an approval continues, so that its escalation does not begin again, and its severity."""

from alembic import op

revision = "202611301605"
down_revision = "202611301604"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE approval ADD COLUMN wait_id uuid, ADD COLUMN waiting_since timestamptz,
                             ADD COLUMN severity smallint NOT NULL DEFAULT 0
    """)
    # A change of type rewrites every tenant's rows, where an UPDATE would see none of them.
    op.execute("""
        ALTER TABLE approval ALTER COLUMN wait_id TYPE uuid USING id,
                             ALTER COLUMN waiting_since TYPE timestamptz USING created_at
    """)
    op.execute("ALTER TABLE approval ALTER COLUMN wait_id SET NOT NULL, ALTER COLUMN waiting_since SET NOT NULL")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
