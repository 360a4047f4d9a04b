"""Rights of the backup's login (V8): reads every row of every account, and records the backup."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from controlplane.backup.contents import enter_backup_role
from controlplane.migrate import migrate_schema, prepare_roles
from foundation.database.partitions import SCHEMA
from foundation.database.roles import BACKUP, LOGIN_ROLES, RolePasswords
from tests.conftest import Urls
from tests.isolation.rows import make_rows
from tests.support.databases import another_database
from tests.support.servers import PASSWORDS, Servers

Connection = psycopg.Connection[Any]


@pytest.fixture
def backup(urls: Urls) -> Iterator[Connection]:
    with psycopg.connect(urls.backup, autocommit=True) as connected:
        yield connected


def tables(connection: Connection) -> list[sql.Identifier]:
    rows = connection.execute(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('public', %s) ORDER BY 1, 2",
        (SCHEMA,),
    ).fetchall()
    return [sql.Identifier(*row) for row in rows]


def refuses(connection: Connection, statement: sql.SQL | sql.Composed) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


def test_it_reads_every_row_of_every_account_without_naming_one(
    backup: Connection, urls: Urls, owner: Connection
) -> None:
    for made in (make_rows(urls, owner), make_rows(urls, owner)):
        for table, scope in made.items():
            query = sql.SQL("SELECT count(*) FROM {} WHERE tenant_id = %s").format(sql.Identifier(table))
            assert backup.execute(query, (scope.tenant_id,)).fetchall() != [(0,)], table
    with backup.transaction():
        enter_backup_role(backup)  # raises if a policy hides a row of any table


def test_it_writes_no_table_sequence_or_partition(backup: Connection) -> None:
    found = tables(backup)
    assert len(found) >= 60
    for table in found:
        for form in ("INSERT INTO {} DEFAULT VALUES", "DELETE FROM {}", "TRUNCATE {}", "LOCK {} IN SHARE MODE"):
            assert refuses(backup, sql.SQL(form).format(table)), (form, table)
    columns = backup.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
    ).fetchall()
    for table_name, column in columns:
        names = {"t": sql.Identifier(table_name), "c": sql.Identifier(column)}
        assert refuses(backup, sql.SQL("UPDATE {t} SET {c} = DEFAULT").format(**names)), (table_name, column)
    for (sequence,) in backup.execute("SELECT oid::regclass::text FROM pg_class WHERE relkind = 'S'").fetchall():
        assert refuses(backup, sql.SQL("SELECT setval({}, 1)").format(sql.Literal(sequence))), sequence


def test_the_backup_role_can_assume_no_other_role_and_read_no_password(backup: Connection) -> None:
    others = backup.execute("SELECT rolname FROM pg_roles WHERE rolname <> %s", (BACKUP,)).fetchall()
    assert len(others) > len(LOGIN_ROLES)
    for (role,) in others:
        assert refuses(backup, sql.SQL("SET ROLE {}").format(sql.Identifier(role))), role
    for statement in ("SELECT * FROM pg_authid", "SELECT * FROM pg_shadow"):
        assert refuses(backup, sql.SQL(statement)), statement
    attributes = backup.execute(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolpassword <> '********'"
        " FROM pg_roles WHERE rolname = current_user"
    ).fetchall()
    assert attributes == [(False,) * 6]
    memberships = backup.execute("SELECT 1 FROM pg_auth_members WHERE member = current_user::regrole").fetchall()
    assert memberships == []


def test_it_records_its_backup_and_no_other_fact(urls: Urls, servers: Servers) -> None:
    with another_database(servers.admin_url, urls) as there:
        migrate_schema(there.owner)
        with psycopg.connect(there.owner) as owner, psycopg.connect(there.backup) as backup:
            before = owner.execute("SELECT name, value FROM installation ORDER BY 1").fetchall()
            owner.rollback()
            for made in (1, 2):
                backup.execute("SELECT record_backup(%s)", (json.dumps({"made": made}),))
                backup.commit()
            after = owner.execute("SELECT name, value FROM installation ORDER BY 1").fetchall()
    assert after == sorted([*before, ("last_backup", {"made": 2})])


async def test_without_a_password_it_has_no_login(urls: Urls, servers: Servers) -> None:
    """As on servers where backups are made as the owner; a migration without a password does not disable a login."""
    with psycopg.connect(servers.admin_url, autocommit=True) as admin:
        login = "SELECT rolcanlogin FROM pg_roles WHERE rolname = %s"
        admin.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(BACKUP)))
        try:
            await prepare_roles(servers.admin_url, RolePasswords(PASSWORDS.app, PASSWORDS.intake, PASSWORDS.relay))
            assert admin.execute(login, (BACKUP,)).fetchall() == [(False,)]
            with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
                psycopg.connect(urls.backup)
        finally:
            await prepare_roles(servers.admin_url, PASSWORDS)
        await prepare_roles(servers.admin_url, RolePasswords(PASSWORDS.app, PASSWORDS.intake, PASSWORDS.relay))
        assert admin.execute(login, (BACKUP,)).fetchall() == [(True,)]
