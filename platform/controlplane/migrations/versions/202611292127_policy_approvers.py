"""Approvers of a policy rule: the role whose members must approve, and how many of them."""

from alembic import op

from foundation.database.roles import APP

revision = "202611292127"
down_revision = "202611292125"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE policy_rule
            ADD COLUMN approver varchar NOT NULL DEFAULT '',
            ADD COLUMN approvals smallint NOT NULL DEFAULT 1,
            ADD CONSTRAINT ck_policy_rule_approvals CHECK (approvals BETWEEN 1 AND 5),
            ADD CONSTRAINT ck_policy_rule_approvers_of_reviews CHECK (
                (approver = '' AND approvals = 1) OR (ptype = 'p2' AND act = 'review' AND effect = 'allow')
            )
    """)
    op.execute("""
        ALTER TABLE approval
            ADD COLUMN approvers jsonb NOT NULL DEFAULT '[]',
            ADD COLUMN votes jsonb NOT NULL DEFAULT '[]',
            ADD CONSTRAINT ck_approval_votes_of_others CHECK (
                NOT votes @> jsonb_build_array(jsonb_build_object('by', requested_by))
                AND NOT votes @> jsonb_build_array(jsonb_build_object('by', author))
            )
    """)
    op.execute(f"GRANT UPDATE (votes) ON approval TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
