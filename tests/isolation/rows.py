"""One generated row per table, for any set of tables."""

from typing import Any, LiteralString

import psycopg
from psycopg import sql

from foundation.database.roles import APP
from foundation.scope import Scope
from tests.conftest import Urls, make_scope
from tests.isolation.every_table import TABLES


def tenant_tables(connection: psycopg.Connection[Any]) -> list[str]:
    rows = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'"
        " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    return [name for (name,) in rows]


def privileges(owner: psycopg.Connection[Any], table: str) -> set[str]:
    rows = owner.execute(
        "SELECT privilege_type FROM information_schema.role_table_grants WHERE grantee = %s AND table_name = %s",
        (APP, table),
    )
    return {privilege for (privilege,) in rows}


def updating(table: str) -> sql.Composed:
    """An UPDATE of a column that the application may update, to its own value."""
    column = sql.Identifier(TABLES[table].update.split()[0])
    return sql.SQL("UPDATE {} SET {column} = {column}").format(sql.Identifier(table), column=column)


def enter(connection: psycopg.Connection[Any], scope: Scope, *, rating: bool = False) -> None:
    """Enter the scope. `rating` is the right that rating jobs, never pages, take in a savepoint (`billing.sides`)."""
    connection.execute(
        "SELECT set_config('app.msp_id', %s, true), set_config('app.tenant_id', %s, true),"
        " set_config('app.partner_id', %s, true), set_config('app.billing', %s, true)",
        (str(scope.msp_id), str(scope.tenant_id), str(scope.partner_id or ""), "rating" if rating else ""),
    )


def make_rows(urls: Urls, owner: psycopg.Connection[Any]) -> dict[str, Scope]:
    """A row of each table as the application itself would write it, in a client's own scope or in its MSP's account.

    Every id is the tenant's, so that foreign keys are valid once the referenced table has its row.
    """
    client = make_scope()
    msp_account = make_scope(msp_id=client.msp_id, tenant_id=client.msp_id)
    waiting = [table for table in tenant_tables(owner) if "INSERT" in privileges(owner, table)]
    made: dict[str, Scope] = {}
    for _ in range(4):
        for table in [table for table in waiting if table not in made]:
            for scope in (client, msp_account):
                with psycopg.connect(urls.app) as connection:
                    enter(connection, scope, rating=True)
                    try:
                        insert(connection, owner, table, scope)
                    except (
                        psycopg.errors.CheckViolation,
                        psycopg.errors.ForeignKeyViolation,
                        psycopg.errors.InsufficientPrivilege,  # a row that references one created later
                        psycopg.OperationalError,  # an audit entry without its head
                    ):
                        connection.rollback()
                        continue
                made[table] = scope
                break
    missing = sorted(set(waiting) - set(made))
    assert missing == [], f"declare `row` with what the constraints of these tables allow: {missing}"
    return made


def insert(connection: psycopg.Connection[Any], owner: psycopg.Connection[Any], table: str, scope: Scope) -> None:
    columns = owner.execute(
        "SELECT column_name, data_type, udt_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = %s AND is_nullable = 'NO' AND column_default IS NULL"
        " AND is_identity = 'NO' AND is_generated = 'NEVER'",
        (table,),
    ).fetchall()
    values = {name: value_for(name, kind, udt, scope) for name, kind, udt in columns} | dict(TABLES[table].row)
    insertion = "INSERT INTO {} ({}) VALUES ({})"
    if table == "audit_entry":  # the chain's head advances with its entries, in the same statement
        insertion = f"WITH put AS ({insertion}) UPDATE audit_head SET seq = 1, hash = {_HASH}"
    statement = sql.SQL(insertion).format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() * len(values)),
    )
    connection.execute(statement, list(values.values()))


def value_for(name: str, kind: str, udt: str, scope: Scope) -> object:
    own = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "dom": str(scope.tenant_id)}
    if name in own | SPECIAL:
        return (own | SPECIAL)[name]
    if kind == "jsonb" and name.endswith("value"):
        return '{"type":"money","amount":"0.01","currency":"USD"}'
    if kind in BY_KIND:
        return BY_KIND[kind]
    if kind == "uuid":
        return scope.tenant_id
    return f"x-{scope.tenant_id}"[:36] if udt in ("varchar", "text") else "x"


BY_KIND: dict[str, object] = {
    "jsonb": "{}",
    "bytea": b"x" * 32,
    "boolean": False,
    "timestamp with time zone": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "ARRAY": [],
} | dict.fromkeys(("bigint", "integer", "smallint", "numeric", "double precision"), 1)

_HASH: LiteralString = "sha256(decode(repeat('00', 32), 'hex') || 'x')"
# Columns of several tables whose values a check constraint restricts.
SPECIAL: dict[str, object] = {
    "side": "retail",
    "state": "draft",
    "ptype": "p",
    "effect": "allow",
    "currency": "USD",
    "period_end": "2026-02-01T00:00:00Z",
}
