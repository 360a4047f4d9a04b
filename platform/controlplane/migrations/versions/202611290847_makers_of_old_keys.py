"""Who made the API keys of before makers were kept, from the audit chain: a key is no more than its maker is now."""

from alembic import op

revision = "202611290847"
down_revision = "202611290838"
branch_labels = None
depends_on = None

_TABLES = ("api_key", "audit_entry")


def upgrade() -> None:
    """A key whose making is not in the chain (the operator's, or one that retention removed) stays as it was."""
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("""
        UPDATE api_key k SET maker_id = CAST(e.body::jsonb #>> '{actor,id}' AS uuid)
          FROM audit_entry e
         WHERE k.maker_id IS NULL AND e.tenant_id = k.tenant_id AND e.subject = 'api_key:' || k.id
           AND e.action = 'api_key.created' AND e.body::jsonb #>> '{actor,kind}' = 'person'
    """)
    # What a key of such a maker made, however long the row of keys.
    op.execute("""
        WITH RECURSIVE made AS (
            SELECT k.tenant_id, k.id, CAST(e.body::jsonb #>> '{actor,id}' AS uuid) AS by_key
              FROM api_key k JOIN audit_entry e ON e.tenant_id = k.tenant_id AND e.subject = 'api_key:' || k.id
             WHERE k.maker_id IS NULL AND e.action = 'api_key.created'
               AND e.body::jsonb #>> '{actor,kind}' = 'machine'
        ), behind AS (
            SELECT made.tenant_id, made.id, p.maker_id FROM made JOIN api_key p ON p.id = made.by_key
             WHERE p.maker_id IS NOT NULL
            UNION
            SELECT made.tenant_id, made.id, b.maker_id FROM made JOIN behind b ON b.id = made.by_key
        )
        UPDATE api_key k SET maker_id = b.maker_id FROM behind b WHERE b.tenant_id = k.tenant_id AND b.id = k.id
    """)
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Who made a key stays true."""
