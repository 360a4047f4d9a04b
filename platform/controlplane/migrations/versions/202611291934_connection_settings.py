"""Changes to an existing connection: its settings, credentials and environment; and its deletion.

A deleted connection keeps its row, because history names it; its secrets are deleted.
"""

from alembic import op

from foundation.database.roles import APP

revision = "202611291934"
down_revision = "202611291930"
branch_labels = None
depends_on = None

_COLUMNS = """
ALTER TABLE connection
    ADD COLUMN environment varchar NOT NULL DEFAULT 'live' CHECK (environment IN ('live', 'sandbox')),
    ADD COLUMN revision integer NOT NULL DEFAULT 1,
    ADD COLUMN heard_at timestamptz,
    ADD COLUMN credentials_expire_on date,
    ADD COLUMN deleted_at timestamptz;
ALTER TABLE connection_secret ADD COLUMN set_at timestamptz, ADD COLUMN set_by varchar NOT NULL DEFAULT '';
CREATE INDEX ix_governance_exception_health ON governance_exception (tenant_id, subject, opened_at)
    WHERE code IN ('connection.failing', 'connection.paused');
"""


def upgrade() -> None:
    op.execute(_COLUMNS)
    op.execute(
        "GRANT UPDATE (name, base_url, settings, jurisdiction, environment, revision, heard_at, credentials_expire_on,"
        f" deleted_at) ON connection TO {APP}"
    )
    op.execute(f"GRANT UPDATE (set_at, set_by), DELETE ON connection_secret TO {APP}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
