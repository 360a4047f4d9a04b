"""Who brought a person in, when, and when they joined."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# A link that is still open was made a week before it runs out; by whom, the audit trail knows.
_COLUMNS = """
ALTER TABLE person ADD COLUMN invited_at timestamptz, ADD COLUMN invited_by varchar,
    ADD COLUMN accepted_at timestamptz;
UPDATE person SET invited_at = invite_until - interval '7 days' WHERE invite_hash IS NOT NULL AND password_hash IS NULL;
"""


def upgrade() -> None:
    op.execute(_COLUMNS)


def downgrade() -> None:
    op.execute("ALTER TABLE person DROP COLUMN invited_at, DROP COLUMN invited_by, DROP COLUMN accepted_at")
