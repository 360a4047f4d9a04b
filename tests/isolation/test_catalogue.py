"""Isolation derived from the database's own catalogue, so that no table is forgotten."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from foundation.database.roles import APP, FLEET, INTAKE, LOGIN_ROLES, RELAY
from foundation.scope import Scope
from tests.conftest import Urls, make_scope

WRITES = {"INSERT", "UPDATE", "DELETE"}
# Columns that name another table's row or the tenant; the rest is filled by type.
OURS = (APP, FLEET, INTAKE, RELAY)


@pytest.fixture(scope="module")
def owner(urls: Urls) -> Iterator[psycopg.Connection[Any]]:
    """As the owner, but without row security, which is forced on the owner too."""
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        yield connection


def tenant_tables(connection: psycopg.Connection[Any]) -> list[str]:
    rows = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'"
        " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    return [name for (name,) in rows]


def test_there_are_tables_to_look_at(owner: psycopg.Connection[Any]) -> None:
    assert len(tenant_tables(owner)) >= 25


def test_every_other_table_belongs_to_the_migrations(owner: psycopg.Connection[Any]) -> None:
    every = {
        name
        for (name,) in owner.execute(
            "SELECT relname FROM pg_class"
            " WHERE relkind IN ('r', 'p', 'm', 'v') AND relnamespace = 'public'::regnamespace"
        )
    }
    assert every - set(tenant_tables(owner)) == {"alembic_version"}


def test_row_level_security_is_forced_with_a_policy_on_every_table(owner: psycopg.Connection[Any]) -> None:
    rows = owner.execute(
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,"
        " EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive),"
        " EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive)"
        " FROM pg_class c WHERE c.relname = ANY (%s)",
        (tenant_tables(owner),),
    )
    assert [row for row in rows if not all(row[1:])] == []


def test_keys_and_indexes_start_with_the_tenant(owner: psycopg.Connection[Any]) -> None:
    rows = owner.execute(
        "SELECT i.indexrelid::regclass::text, a.attname FROM pg_index i"
        " JOIN pg_class c ON c.oid = i.indrelid LEFT JOIN pg_attribute a"
        " ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
        " WHERE c.relname = ANY (%s) AND (i.indisunique OR i.indisprimary)",
        (tenant_tables(owner),),
    ).fetchall()
    # Two look-ups happen before a tenant is known: a client's short name within its MSP, and a brand by its host.
    before_any_tenant = {name for name, column in rows if column != "tenant_id"}
    assert before_any_tenant <= {"uq_client_msp_id_slug", "uq_msp_slug", "pk_brand_domain", "uq_brand_domain_host"}


def test_no_role_of_ours_owns_a_table_or_steps_round_the_policies(owner: psycopg.Connection[Any]) -> None:
    rows = owner.execute(
        "SELECT r.rolname, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolinherit,"
        " EXISTS (SELECT 1 FROM pg_class c WHERE c.relowner = r.oid) FROM pg_roles r WHERE r.rolname = ANY (%s)",
        (list(OURS),),
    ).fetchall()
    assert len(rows) == len(OURS)
    for name, superuser, bypass, create_role, inherits, owns in rows:
        assert not any((superuser, bypass, create_role, owns)), name
        assert name == FLEET or not inherits, name


def test_nobody_may_truncate_or_reference(owner: psycopg.Connection[Any]) -> None:
    rows = owner.execute(
        "SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants"
        " WHERE grantee = ANY (%s) AND privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')",
        (list(OURS),),
    )
    assert rows.fetchall() == []


def test_there_is_no_view_materialized_view_or_definer_function(owner: psycopg.Connection[Any]) -> None:
    views = owner.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace"
    )
    assert views.fetchall() == []
    definers = owner.execute("SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace")
    assert definers.fetchall() == []


def test_ledgers_are_append_only_for_the_application(owner: psycopg.Connection[Any]) -> None:
    for table in ("usage_event", "audit_entry", "source_event"):
        rows = owner.execute(
            "SELECT privilege_type FROM information_schema.role_table_grants WHERE grantee = %s AND table_name = %s",
            (APP, table),
        )
        assert {privilege for (privilege,) in rows} == {"SELECT", "INSERT"}, table


@pytest.mark.parametrize("role", LOGIN_ROLES)
def test_without_a_scope_nothing_is_seen(urls: Urls, owner: psycopg.Connection[Any], role: str) -> None:
    """The relay and intake see only what their grants name; the application sees nothing at all."""
    if role != APP:
        return
    with psycopg.connect(urls.app) as connection:
        for table in tenant_tables(owner):
            count = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
            assert count == (0,), table


def test_every_row_of_one_tenant_is_invisible_to_every_other(urls: Urls, owner: psycopg.Connection[Any]) -> None:
    """One made-up row per table, then each stranger looks, updates and deletes: none is found, none is touched."""
    made = make_rows(urls, owner)
    assert len(made) >= 25
    for table, scope in made.items():
        strangers = {
            "another tenant of another MSP": make_scope(),
            "a sibling of the same MSP": make_scope(msp_id=scope.msp_id),
            "the right tenant under another MSP": make_scope(tenant_id=scope.tenant_id),
        }
        with psycopg.connect(urls.app) as connection:
            for who, stranger in strangers.items():
                enter(connection, stranger)
                found = connection.execute(
                    sql.SQL("SELECT count(*) FROM {} WHERE tenant_id = %s").format(sql.Identifier(table)),
                    (scope.tenant_id,),
                ).fetchone()
                assert found == (0,), f"{who} sees {table}"
                connection.rollback()
                refused(connection, owner, table, stranger, scope)


def refused(
    connection: psycopg.Connection[Any], owner: psycopg.Connection[Any], table: str, stranger: Scope, scope: Scope
) -> None:
    granted = privileges(owner, table)
    for verb, statement in (
        ("UPDATE", "UPDATE {} SET msp_id = msp_id WHERE tenant_id = %s"),
        ("DELETE", "DELETE FROM {} WHERE tenant_id = %s"),
    ):
        if verb in granted:
            enter(connection, stranger)
            touched = connection.execute(sql.SQL(statement).format(sql.Identifier(table)), (scope.tenant_id,))
            assert touched.rowcount == 0, f"{verb} {table}"
            connection.rollback()
    if "INSERT" in granted:
        enter(connection, stranger)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            insert(connection, owner, table, scope)
        connection.rollback()


def privileges(owner: psycopg.Connection[Any], table: str) -> set[str]:
    rows = owner.execute(
        "SELECT privilege_type FROM information_schema.role_table_grants WHERE grantee = %s AND table_name = %s",
        (APP, table),
    )
    return {privilege for (privilege,) in rows}


def enter(connection: psycopg.Connection[Any], scope: Scope, *, rating: bool = False) -> None:
    """`rating` is the right that rating jobs take inside a savepoint (`billing.sides`); pages never have it."""
    connection.execute(
        "SELECT set_config('app.msp_id', %s, true), set_config('app.tenant_id', %s, true),"
        " set_config('app.partner_id', '', true), set_config('app.billing', %s, true)",
        (str(scope.msp_id), str(scope.tenant_id), "rating" if rating else ""),
    )


def make_rows(urls: Urls, owner: psycopg.Connection[Any]) -> dict[str, Scope]:
    """A row of each table as the application itself would write it, in a client's own scope or in its MSP's house.

    Every id is the tenant's, so that foreign keys fit once the table they name has its row.
    """
    client = make_scope()
    house = make_scope(msp_id=client.msp_id, tenant_id=client.msp_id)
    waiting = [table for table in tenant_tables(owner) if "INSERT" in privileges(owner, table)]
    made: dict[str, Scope] = {}
    for _ in range(4):
        for table in [table for table in waiting if table not in made]:
            for scope in (client, house):
                with psycopg.connect(urls.app) as connection:
                    enter(connection, scope, rating=True)
                    try:
                        insert(connection, owner, table, scope)
                    except (
                        psycopg.errors.CheckViolation,
                        psycopg.errors.ForeignKeyViolation,
                        psycopg.errors.InsufficientPrivilege,  # a row that may only stand beside one made later
                    ):
                        connection.rollback()
                        continue
                made[table] = scope
                break
    assert set(made) == set(waiting), "extend SPECIAL with what the constraints of the missing tables allow"
    return made


def insert(connection: psycopg.Connection[Any], owner: psycopg.Connection[Any], table: str, scope: Scope) -> None:
    columns = owner.execute(
        "SELECT column_name, data_type, udt_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = %s AND is_nullable = 'NO' AND column_default IS NULL"
        " AND is_identity = 'NO' AND is_generated = 'NEVER'",
        (table,),
    ).fetchall()
    values = {name: value_for(name, kind, udt, scope) for name, kind, udt in columns}
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() * len(values)),
    )
    connection.execute(statement, list(values.values()))


def value_for(name: str, kind: str, udt: str, scope: Scope) -> object:
    own = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "dom": str(scope.tenant_id)}
    if name in own | SPECIAL:
        return (own | SPECIAL)[name]
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

# Columns whose values a check constraint restricts.
SPECIAL: dict[str, object] = {
    "side": "retail",
    "state": "draft",
    "ptype": "p",
    "effect": "allow",
    "currency": "USD",
    "period_end": "2026-02-01T00:00:00Z",
}
