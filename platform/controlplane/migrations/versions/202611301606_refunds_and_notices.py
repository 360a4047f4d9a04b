"""Amounts that the provider refunded for our credit notes, the limit of a notice, and usage of voided invoices, which
is charged again.
"""

from alembic import op

from foundation.database.roles import APP

revision = "202611301606"
down_revision = "202611301605"
branch_labels = None
depends_on = None

_FORCED = ("provider_invoice", "limit_notice", "usage_limit")
# Earlier refunds are taken as ours, as they were counted before. Earlier notices get the limits of today.
_COLUMNS = """
ALTER TABLE provider_invoice ADD COLUMN refunded_here_minor bigint NOT NULL DEFAULT 0;
UPDATE provider_invoice SET refunded_here_minor = refunded_minor;
ALTER TABLE limit_notice ADD COLUMN level numeric NOT NULL DEFAULT 0;
UPDATE limit_notice n SET level = coalesce(CASE n.kind WHEN 'soft' THEN l.soft_limit ELSE l.hard_limit END, 0)
  FROM usage_limit l WHERE l.tenant_id = n.tenant_id AND l.meter = n.meter;
ALTER TABLE limit_notice DROP CONSTRAINT pk_limit_notice;
ALTER TABLE limit_notice ADD CONSTRAINT pk_limit_notice PRIMARY KEY (tenant_id, meter, kind, month, percent, level);
"""


def upgrade() -> None:
    # Row-level security is forced on the owner, who would see and update no row.
    for table in _FORCED:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_COLUMNS)
    for table in _FORCED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT UPDATE (refunded_here_minor) ON provider_invoice TO {APP}")
    for table in ("rated_usage", "rated_rollup"):
        op.execute(f"GRANT DELETE ON {table} TO {APP}")
        op.execute(
            f"CREATE POLICY {table}_void ON {table} AS RESTRICTIVE FOR DELETE TO {APP} USING (EXISTS (SELECT 1"
            f" FROM invoice i WHERE i.tenant_id = {table}.tenant_id AND i.id = {table}.invoice_id"
            " AND i.state = 'void'))"
        )


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
