"""Changes to audit chains by the database's owner, with the protection disabled."""

import psycopg
from psycopg import sql


def tamper_as_owner(owner_url: str, *statements: str, **binds: object) -> None:
    """Execute statements as the owner, with policies and triggers disabled meanwhile."""
    with psycopg.connect(owner_url) as connection:
        tables = connection.execute(
            "SELECT oid::regclass::text FROM pg_class"
            " WHERE relname ~ '^audit_(entry|head|anchor)' AND relkind IN ('r', 'p')"
        ).fetchall()
        for (table,) in tables:
            connection.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(sql.SQL(table)))
        for table in ("audit_entry", "audit_head"):
            connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table)))
        for statement in statements:
            connection.execute(statement.encode(), binds)
        for table in ("audit_entry", "audit_head"):
            connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(table)))
        for (table,) in tables:
            connection.execute(sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(sql.SQL(table)))
