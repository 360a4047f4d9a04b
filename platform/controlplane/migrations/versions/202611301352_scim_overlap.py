"""The SCIM token before the last rotation, and when the identity provider suspended a member."""

from alembic import op

from foundation.database.roles import APP

revision = "202611301352"
down_revision = "202611301351"
branch_labels = None
depends_on = None

_COLUMNS = """
ALTER TABLE scim_token ADD COLUMN previous_hash bytea, ADD COLUMN previous_owner_id uuid,
    ADD COLUMN previous_owner_home uuid, ADD COLUMN previous_until timestamptz;
ALTER TABLE scim_user ADD COLUMN suspended_at timestamptz;
"""


def upgrade() -> None:
    op.execute(_COLUMNS)
    op.execute(
        f"GRANT UPDATE (previous_hash, previous_owner_id, previous_owner_home, previous_until) ON scim_token TO {APP}"
    )
    op.execute(f"GRANT UPDATE (suspended_at) ON scim_user TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
