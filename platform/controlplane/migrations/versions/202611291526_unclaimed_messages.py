"""Unclaimed messages, which no room processes yet, by source event and type."""

from alembic import op

from foundation.database.partitions import open_partitions
from foundation.database.rls import protect

revision = "202611291526"
down_revision = "202611291518"
branch_labels = None
depends_on = None

# Partitioned as the source event, with which it is removed.
_TABLE = """
CREATE TABLE unclaimed_message (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    event_id uuid NOT NULL,
    message_type varchar NOT NULL,
    connection_id uuid NOT NULL,
    reference varchar NOT NULL,
    message_count integer NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT pk_unclaimed_message PRIMARY KEY (tenant_id, event_id, message_type)
) PARTITION BY RANGE (event_id)
"""
_INDEX = """
CREATE INDEX ix_unclaimed_message_of_connection
    ON unclaimed_message (tenant_id, connection_id, message_type, event_id)
"""


def upgrade() -> None:
    op.execute(_TABLE)
    op.execute(_INDEX)
    protect(op, "unclaimed_message", app="SELECT, INSERT, UPDATE (reference, message_count), DELETE")
    open_partitions(op.get_bind(), "unclaimed_message")


def downgrade() -> None:
    raise NotImplementedError("The messages would be gone. Restore a backup instead.")
