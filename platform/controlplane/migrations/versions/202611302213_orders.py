"""Time of a value's first reading, by which orders are listed. The column never changes, so updates stay cheap."""

from alembic import op

revision = "202611302213"
down_revision = "202611302206"
branch_labels = None
depends_on = None

_IS_ORDER = "element = 'order.document' AND record_type = 'order' AND dimension = ''"


def upgrade() -> None:
    op.execute("ALTER TABLE record_value ADD COLUMN received_at timestamptz NOT NULL DEFAULT now()")
    for table in ("record_value", "change"):  # else an UPDATE would see no tenant's rows
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(f"""
        UPDATE record_value v
           SET received_at = least(v.adopted_at, (
                   SELECT min(c.proposed_at) FROM change c
                    WHERE c.tenant_id = v.tenant_id AND c.record_key = v.record_key AND c.element = v.element
                      AND c.dimension = v.dimension AND c.record_type = v.record_type))
         WHERE {_IS_ORDER}
    """)
    for table in ("record_value", "change"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE INDEX ix_record_value_order ON record_value (tenant_id, received_at, record_key) WHERE {_IS_ORDER}"
    )
    op.execute(f"CREATE INDEX ix_record_value_order_number ON record_value (tenant_id, record_key) WHERE {_IS_ORDER}")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
