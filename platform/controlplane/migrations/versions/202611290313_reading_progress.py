"""Lists know how far they were read; observations without a contract are held until one is published."""

from alembic import op

from foundation.database.rls import protect

revision = "202611290313"
down_revision = "202611290311"
branch_labels = None
depends_on = None

_HELD = """
CREATE TABLE held_observation (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL, connection_id uuid NOT NULL, element varchar NOT NULL,
    record_key varchar NOT NULL, source_event_id uuid NOT NULL, source_version bigint NOT NULL,
    held_at timestamptz NOT NULL,
    CONSTRAINT pk_held_observation PRIMARY KEY (tenant_id, connection_id, element, record_key)
)
"""


def upgrade() -> None:
    op.execute("ALTER TABLE poll_cursor ADD COLUMN walk jsonb")
    op.execute("ALTER TABLE baseline_part ADD COLUMN walk jsonb, ADD COLUMN unkeyed integer NOT NULL DEFAULT 0")
    op.execute(_HELD)
    protect(op, "held_observation")


def downgrade() -> None:
    op.execute("DROP TABLE held_observation")
    op.execute("ALTER TABLE baseline_part DROP COLUMN walk, DROP COLUMN unkeyed")
    op.execute("ALTER TABLE poll_cursor DROP COLUMN walk")
