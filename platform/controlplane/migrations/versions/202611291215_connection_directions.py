"""Capabilities of a connection, in place of its one role: whether it reports values, and the elements it can write."""

from alembic import op

revision = "202611291215"
down_revision = "202611291210"
branch_labels = None
depends_on = None

# A change of type rewrites every tenant's rows, where an UPDATE would see none of them.
_CONVERT = """
ALTER TABLE connection ALTER COLUMN role TYPE boolean USING role = 'erp' OR kind = 'sandbox-shop';
ALTER TABLE connection RENAME COLUMN role TO is_source;
ALTER TABLE connection ADD COLUMN takes_webhooks boolean NOT NULL DEFAULT false;
ALTER TABLE connection ALTER COLUMN takes_webhooks TYPE boolean USING kind = 'sandbox-erp';
ALTER TABLE connection ALTER COLUMN takes_webhooks DROP DEFAULT;
ALTER TABLE connection ADD COLUMN writes varchar[] NOT NULL DEFAULT '{}';
ALTER TABLE connection ALTER COLUMN writes TYPE varchar[] USING
    CASE kind WHEN 'sandbox-erp' THEN '{order.document}' WHEN 'vendure' THEN '{price.list,stock.on_hand}'
              WHEN 'tryton' THEN '{}' WHEN 'sandbox-shop' THEN '{*,order.status}' ELSE '{*}' END::varchar[];
ALTER TABLE connection ALTER COLUMN writes DROP DEFAULT;
ALTER TABLE connection ADD COLUMN jurisdiction varchar NOT NULL DEFAULT '';
ALTER TABLE baseline_part ALTER COLUMN role TYPE varchar USING replace(role, 'erp', 'source');
"""


def upgrade() -> None:
    op.execute(_CONVERT)


def downgrade() -> None:
    raise NotImplementedError("The schema never goes back. Restore a backup instead.")
