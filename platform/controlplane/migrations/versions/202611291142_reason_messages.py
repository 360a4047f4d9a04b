"""Reasons of changes, errors of propagations and causes of withdrawn approvals are messages."""

from alembic import op

revision = "202611291142"
down_revision = "202611291140"
branch_labels = None
depends_on = None

_LEGACY = "jsonb_build_object('code', 'legacy', 'params', jsonb_build_object('text', {column}))"
# A change of type rewrites every tenant's rows, where an UPDATE would see none of them.
_CONVERT = f"""
ALTER TABLE change ALTER COLUMN reason TYPE jsonb USING {_LEGACY.format(column="reason")};
ALTER TABLE propagation ALTER COLUMN error TYPE jsonb
    USING CASE WHEN error IS NOT NULL THEN {_LEGACY.format(column="error")} END;
ALTER TABLE approval ADD COLUMN cause jsonb;
ALTER TABLE approval
    ALTER COLUMN cause TYPE jsonb USING CASE WHEN state = 'withdrawn' THEN {_LEGACY.format(column="reason")} END,
    ALTER COLUMN reason TYPE varchar USING CASE WHEN state = 'withdrawn' THEN '' ELSE reason END;
"""


def upgrade() -> None:
    op.execute(_CONVERT)


def downgrade() -> None:
    """Not offered: the sentences of messages stored since then cannot be restored from their codes."""
    raise NotImplementedError("This step cannot be taken back. Restore a backup instead.")
