"""Hold of new clients' values until their baseline is accepted, and the right of an MSP's staff to read the rules that
their clients replace or omit.
"""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import FLEET

revision = "202611300220"
down_revision = "202611300136"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE value_hold (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by varchar,
    ended_for varchar,
    CONSTRAINT pk_value_hold PRIMARY KEY (tenant_id),
    CONSTRAINT ck_value_hold_ended CHECK ((ended_at IS NULL) = (ended_for IS NULL))
);
"""
_FLEET_READS = f"""
GRANT SELECT (id, overrides) ON policy_rule TO {FLEET};
GRANT SELECT (label, value_type, dimensions) ON custom_element TO {FLEET};
"""


def upgrade() -> None:
    op.execute(_TABLE)
    protect(op, "value_hold", app="SELECT, INSERT, UPDATE (ended_at, ended_by, ended_for)", fleet=True)
    op.execute(_FLEET_READS)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
