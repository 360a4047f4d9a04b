"""Policy rules that clients inherit from their MSP, and clients' own rules in place of inherited ones."""

from alembic import op

revision = "202611292201"
down_revision = "202611292127"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE policy_rule
            ADD COLUMN locked boolean NOT NULL DEFAULT false,
            ADD COLUMN inherited boolean NOT NULL DEFAULT false,
            ADD COLUMN overrides jsonb,
            DROP CONSTRAINT ck_policy_rule_ptype,
            ADD CONSTRAINT ck_policy_rule_ptype CHECK (ptype IN ('p', 'p2', 'g', 'omit')),
            ADD CONSTRAINT ck_policy_rule_inherited CHECK (
                tenant_id <> msp_id OR (NOT inherited AND overrides IS NULL AND ptype <> 'omit')
            ),
            ADD CONSTRAINT ck_policy_rule_omitted CHECK (ptype <> 'omit' OR overrides IS NOT NULL),
            DROP CONSTRAINT ck_policy_rule_approvers_of_reviews,
            ADD CONSTRAINT ck_policy_rule_approvers_of_reviews CHECK (
                (approver = '' AND approvals = 1)
                OR (ptype IN ('p2', 'omit') AND act = 'review' AND effect = 'allow')
            )
    """)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
