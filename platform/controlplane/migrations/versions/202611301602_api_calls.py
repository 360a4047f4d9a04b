"""Calls of API keys, by hour."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import PURGE

revision = "202611301602"
down_revision = "202611301601"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE api_call_hour (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    hour timestamptz NOT NULL,
    key_id uuid NOT NULL,
    calls bigint NOT NULL,
    CONSTRAINT pk_api_call_hour PRIMARY KEY (tenant_id, hour, key_id),
    CONSTRAINT ck_api_call_hour_calls CHECK (calls > 0)
);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "api_call_hour")
    op.execute(f"GRANT DELETE ON api_call_hour TO {PURGE}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
