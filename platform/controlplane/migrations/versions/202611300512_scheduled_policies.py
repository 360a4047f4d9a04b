"""Drafts of the policy that come into force at a later time."""

from alembic import op

from foundation.database.roles import APP

revision = "202611300512"
down_revision = "202611300511"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(f"""
        ALTER TABLE policy_draft
            ADD COLUMN publish_at timestamptz,
            ADD COLUMN scheduled_by varchar,
            ADD COLUMN scheduled_by_name varchar,
            ADD COLUMN failure jsonb,
            DROP CONSTRAINT ck_policy_draft_state,
            ADD CONSTRAINT ck_policy_draft_state CHECK (
                state IN ('open', 'scheduled', 'failed', 'withdrawn', 'published', 'discarded')
            ),
            ADD CONSTRAINT ck_policy_draft_scheduled CHECK (
                state NOT IN ('scheduled', 'failed') OR (publish_at IS NOT NULL AND scheduled_by IS NOT NULL)
            ),
            ADD CONSTRAINT ck_policy_draft_scheduled_by_another CHECK (scheduled_by <> ALL (editors));
        CREATE INDEX ix_policy_draft_scheduled ON policy_draft (tenant_id, publish_at) WHERE state = 'scheduled';
        GRANT UPDATE (failure, publish_at, scheduled_by, scheduled_by_name) ON policy_draft TO {APP};
    """)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
