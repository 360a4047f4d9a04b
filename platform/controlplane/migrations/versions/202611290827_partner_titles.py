"""Partners see the names of the records on their own channels, and no others."""

from alembic import op

from foundation.database.rls import NO_PARTNER, PARTNER

revision = "202611290827"
down_revision = "202611290823"
branch_labels = None
depends_on = None

_OWN_CHANNELS = (
    f"SELECT n.id FROM connection n WHERE n.tenant_id = record_title.tenant_id AND n.partner_id = (SELECT {PARTNER})"
)
_ON_CHANNEL = (
    "EXISTS (SELECT 1 FROM {0} o WHERE o.tenant_id = record_title.tenant_id AND o.record_key = record_title.record_key"
    f" AND o.connection_id IN ({_OWN_CHANNELS})" + "{1})"
)
# Seen on the channel, or on its way there. Each is one look into an index.
_VISIBLE = " OR ".join((
    NO_PARTNER,
    _ON_CHANNEL.format("channel_value", ""),
    _ON_CHANNEL.format("propagation", " AND o.state NOT IN ('verified', 'superseded')"),
))  # fmt: skip


def upgrade() -> None:
    op.execute(f"ALTER POLICY record_title_partner ON record_title USING ({_VISIBLE})")


def downgrade() -> None:
    op.execute(f"ALTER POLICY record_title_partner ON record_title USING ({NO_PARTNER})")
