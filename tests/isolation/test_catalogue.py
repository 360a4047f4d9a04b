"""Isolation derived from the database's own catalogue, so that no table is forgotten."""

from typing import Any

import psycopg
import pytest
from psycopg import sql

from foundation.database.partitions import SCHEMA
from foundation.database.roles import APP, FLEET, INTAKE, LOGIN_ROLES, RELAY
from foundation.scope import Scope
from tests.conftest import Urls, make_scope
from tests.isolation.every_table import TABLES
from tests.isolation.rows import enter, insert, make_rows, privileges, tenant_tables, updating

OURS = (APP, FLEET, INTAKE, RELAY)


def test_the_catalogue_has_tables(owner: psycopg.Connection[Any]) -> None:
    assert len(tenant_tables(owner)) >= 25


def test_every_other_table_belongs_to_the_installation(owner: psycopg.Connection[Any]) -> None:
    every = {
        name
        for (name,) in owner.execute(
            "SELECT relname FROM pg_class"
            " WHERE relkind IN ('r', 'p', 'm', 'v') AND relnamespace = 'public'::regnamespace"
        )
    }
    assert every - set(tenant_tables(owner)) == {"alembic_version", "installation"}


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
    # Three look-ups happen before a tenant is known: within an MSP, a client's short name and the domain of a typed
    # address, and a brand by its host. Numbers of invoices are unique for their seller, the MSP.
    before_any_tenant = {name for name, column in rows if column != "tenant_id"}
    known = {"uq_client_msp_id_slug", "uq_msp_slug", "pk_brand_domain", "uq_brand_domain_host"}
    assert before_any_tenant <= known | {
        "uq_sign_in_domain_verified",
        "uq_issued_invoice_number",
        "uq_credit_note_number",
    }


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


def test_no_role_may_truncate_or_reference(owner: psycopg.Connection[Any]) -> None:
    rows = owner.execute(
        "SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants"
        " WHERE grantee = ANY (%s) AND privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')",
        (list(OURS),),
    )
    assert rows.fetchall() == []


def test_there_is_no_view_or_materialized_view(owner: psycopg.Connection[Any]) -> None:
    views = owner.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace"
    )
    assert views.fetchall() == []


def test_partitions_are_reached_through_their_table_only(owner: psycopg.Connection[Any]) -> None:
    """Forced row security with the owner's policy, no grant, and a schema that only the relay may use; but backups read
    each partition.
    """
    rows = owner.execute(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, c.relacl IS NULL OR NOT EXISTS ("
        "   SELECT 1 FROM aclexplode(c.relacl) a WHERE a.grantee NOT IN (c.relowner, 'fairlead_backup'::regrole)),"
        "       NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL),"
        "       (SELECT array_agg(p.polname::text || p.polroles::regrole[]::text) FROM pg_policy p"
        "         WHERE p.polrelid = c.oid AND p.polname <> 'backup_reads')"
        "       = ARRAY['owner{' || c.relowner::regrole || '}']"
        "  FROM pg_class c WHERE c.relispartition AND c.relkind IN ('r', 'p')"
    ).fetchall()
    assert len(rows) >= 6 * 4
    assert [row for row in rows if not all(row[1:])] == []
    elsewhere = owner.execute(
        "SELECT relname FROM pg_class"
        " WHERE relispartition AND relkind IN ('r', 'p') AND relnamespace <> %s::regnamespace",
        (SCHEMA,),
    )
    assert elsewhere.fetchall() == []
    may_enter = [role for role in OURS if owner.execute(
        "SELECT has_schema_privilege(%s, %s, 'USAGE')", (role, SCHEMA)).fetchone() == (True,)]  # fmt: skip
    assert may_enter == [RELAY]


def test_the_relay_may_create_partitions_and_nothing_else_there(owner: psycopg.Connection[Any]) -> None:
    rows = owner.execute(
        "SELECT p.proname, p.prosecdef, p.proconfig::text LIKE '%%search_path=pg_catalog%%', p.pronargs"
        "  FROM pg_proc p WHERE p.pronamespace = %s::regnamespace"
        "   AND (p.prosecdef OR has_function_privilege(%s, p.oid, 'EXECUTE'))"
        "   AND p.provolatile = 'v'",
        (SCHEMA, RELAY),
    ).fetchall()
    assert {row[0]: row[1:] for row in rows} == {
        "create_ahead": (True, True, 0),
        "analyze_tables": (True, True, 0),
        "coverage": (True, True, 0),
    }


def test_ledgers_are_append_only_for_the_application(owner: psycopg.Connection[Any]) -> None:
    for table in ("usage_event", "audit_entry", "source_event"):
        rows = owner.execute(
            "SELECT privilege_type FROM information_schema.role_table_grants WHERE grantee = %s AND table_name = %s",
            (APP, table),
        )
        assert {privilege for (privilege,) in rows} == {"SELECT", "INSERT"}, table


@pytest.mark.parametrize("role", LOGIN_ROLES)
def test_without_a_scope_nothing_is_seen(urls: Urls, owner: psycopg.Connection[Any], role: str) -> None:
    """The relay and intake read only what their grants name; the application reads nothing at all."""
    if role != APP:
        return
    with psycopg.connect(urls.app) as connection:
        for table in tenant_tables(owner):
            count = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
            assert count == (0,), table


INHERITED = {"meter_definition"}
"""Tables of an MSP's account that its clients read, because the lines of their invoices refer to them."""


def test_every_row_of_one_tenant_is_invisible_to_every_other(urls: Urls, owner: psycopg.Connection[Any]) -> None:
    """One generated row per table, then each other tenant reads, updates and deletes: no row is found or changed."""
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
                inherited = table in INHERITED and stranger.msp_id == scope.msp_id
                assert found == (int(inherited),), f"{who} sees {table}"
                connection.rollback()
                refused(connection, owner, table, stranger, scope)


def refused(
    connection: psycopg.Connection[Any], owner: psycopg.Connection[Any], table: str, stranger: Scope, scope: Scope
) -> None:
    granted = privileges(owner, table)
    statements = [updating(table)] if TABLES[table].update else []
    if "DELETE" in granted:
        statements.append(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    for statement in statements:
        enter(connection, stranger)
        touched = connection.execute(statement + sql.SQL(" WHERE tenant_id = %s"), (scope.tenant_id,))
        assert touched.rowcount == 0, table
        connection.rollback()
    if "INSERT" in granted:
        enter(connection, stranger)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            insert(connection, owner, table, scope)
        connection.rollback()
