"""Partition by month what grows: source events, changes, propagations, usage, rated usage, audit.

What the tables hold becomes the partition of the time up to the end of this month; nothing is copied. A unique
constraint of a partitioned table must include the partition key, so the identities by which a delivery is known again
move to a narrow table of their own, which is not partitioned.
"""

from datetime import UTC, datetime

from alembic import op

from foundation.database.partitions import (
    SCHEMA,
    create_partition_functions,
    drop_partition_functions,
    month_after,
    partition,
    unpartition,
)
from foundation.database.rls import open_to_intake, protect

revision = "202611290249"
down_revision = "202611290248"
branch_labels = None
depends_on = None

_BY_ID = {
    "source_event": "id", "change": "id", "propagation": "change_id", "usage_event": "id", "rated_usage": "usage_id",
}  # fmt: skip
_UNIQUE = "uq_source_event_tenant_id_connection_id_dedupe_key"
_KEYS = """
CREATE TABLE source_event_key (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, connection_id uuid NOT NULL, dedupe_key varchar NOT NULL,
    body_hash bytea NOT NULL, event_id uuid NOT NULL, via varchar NOT NULL,
    CONSTRAINT pk_source_event_key PRIMARY KEY (tenant_id, connection_id, dedupe_key)
)
"""


def upgrade() -> None:
    connection = op.get_bind()
    create_partition_functions(connection)
    op.execute(_KEYS)
    op.execute("ALTER TABLE source_event DISABLE ROW LEVEL SECURITY")  # forced on the owner too; set again below
    op.execute("""
        INSERT INTO source_event_key (tenant_id, msp_id, connection_id, dedupe_key, body_hash, event_id, via)
        SELECT tenant_id, msp_id, connection_id, dedupe_key, body_hash, id, via FROM source_event
    """)
    op.execute(f"ALTER TABLE source_event DROP CONSTRAINT {_UNIQUE}")
    protect(op, "source_event_key", app="SELECT, INSERT")
    open_to_intake(
        op, "source_event_key", grant="SELECT (tenant_id, connection_id, dedupe_key, body_hash, event_id), INSERT"
    )
    until = month_after(datetime.now(UTC))
    for table, key in _BY_ID.items():
        partition(connection, table, key, until=until)
    partition(connection, "audit_entry", "at", primary_key="tenant_id, seq, at", until=until)
    op.execute(f"SELECT {SCHEMA}.create_ahead()")


def downgrade() -> None:
    connection = op.get_bind()
    unpartition(connection, "audit_entry", primary_key="tenant_id, seq")
    for table in reversed(_BY_ID):
        unpartition(connection, table)
    op.execute(f"ALTER TABLE source_event ADD CONSTRAINT {_UNIQUE} UNIQUE (tenant_id, connection_id, dedupe_key)")
    op.execute("DROP TABLE source_event_key")
    drop_partition_functions(connection)
