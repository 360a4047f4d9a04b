"""A record's changes, and what goes to a partner's channels, are found without reading the client's other rows."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# A record's changes of every state: nearly all are released, so it costs what the index of the released ones did.
# Most clients have no partners: their propagations are not in the second index.
_INDEXES = """
CREATE INDEX ix_change_record ON change (tenant_id, record_key, element, version);
DROP INDEX ix_change_released;
CREATE INDEX ix_propagation_partner ON propagation (tenant_id, partner_id, change_id) WHERE partner_id IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(_INDEXES)


def downgrade() -> None:
    op.execute("""
        DROP INDEX ix_propagation_partner;
        CREATE INDEX ix_change_released ON change (tenant_id, record_key, element, version) WHERE state = 'released';
        DROP INDEX ix_change_record;
    """)
