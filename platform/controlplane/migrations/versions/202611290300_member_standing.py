"""Who vouched for a member, whether an independent colleague confirmed them, and which keys may manage access."""

from alembic import op

revision = "202611290300"
down_revision = "202611290256"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE person ADD COLUMN inviter_id uuid, ADD COLUMN vouched_by uuid,
            ADD COLUMN confirmed_at timestamptz, ADD COLUMN confirmed_by varchar
    """)
    op.execute("ALTER TABLE api_key ADD COLUMN manages_access boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    op.execute("ALTER TABLE api_key DROP COLUMN manages_access")
    op.execute("""
        ALTER TABLE person DROP COLUMN inviter_id, DROP COLUMN vouched_by, DROP COLUMN confirmed_at,
            DROP COLUMN confirmed_by
    """)
