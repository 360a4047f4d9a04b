"""The impact in money of exceptions and approvals, by which lists are ordered."""

from alembic import op

from foundation.database.roles import APP

revision = "202611302005"
down_revision = "202611302000"
branch_labels = None
depends_on = None

_OF_CHANGES = """
    UPDATE {table} x SET impact_amount = d.size, impact_currency = d.currency
      FROM (SELECT c.tenant_id, c.id, c.new_value ->> 'currency' AS currency,
                   abs(CAST(c.new_value ->> 'amount' AS numeric)
                       - CASE WHEN c.old_value ->> 'currency' = c.new_value ->> 'currency'
                              THEN CAST(c.old_value ->> 'amount' AS numeric) ELSE 0 END) AS size
              FROM change c WHERE c.new_value ->> 'type' = 'money') d
     WHERE d.tenant_id = x.tenant_id AND d.id = x.{change} AND d.size > 0 AND {concerned}
"""


def upgrade() -> None:
    for table in ("approval", "governance_exception"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN impact_amount numeric NOT NULL DEFAULT 0,"
            " ADD COLUMN impact_currency varchar"
        )
    for table in ("approval", "governance_exception", "change"):  # else an UPDATE would see no tenant's rows
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_OF_CHANGES.format(table="approval", change="subject_id", concerned="x.subject_kind = 'change'"))
    of_the_change = "x.code IN ('change.refused', 'approval.stale', 'approval.late', 'approval.expired')"
    op.execute(_OF_CHANGES.format(table="governance_exception", change="change_id", concerned=of_the_change))
    for table in ("approval", "governance_exception", "change"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT UPDATE (impact_amount, impact_currency) ON governance_exception TO {APP}")
    op.execute("""
        CREATE INDEX ix_governance_exception_impact ON governance_exception
            (tenant_id, state, (coalesce(impact_currency, 'ZZZ')), impact_amount DESC, id)
    """)


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
