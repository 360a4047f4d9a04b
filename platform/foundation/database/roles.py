"""Database roles. None of them owns a table, is a superuser, or bypasses row-level security."""

from dataclasses import dataclass
from typing import Final

from psycopg import AsyncConnection, sql

APP: Final = "fairlead_app"  # web and workers, one tenant per transaction
FLEET: Final = "fairlead_fleet"  # no login; the app switches to it to read across one MSP's clients
INTAKE: Final = "fairlead_intake"  # inserts webhook messages, for many tenants in one transaction
RELAY: Final = "fairlead_relay"  # reads that jobs are due and for which tenant; never their content
BACKUP: Final = "fairlead_backup"  # reads every row for a backup, writes nothing; logs in once it has a password
PURGE: Final = "fairlead_purge"  # no login; the application's rights, and to delete expired rows

LOGIN_ROLES: Final = (APP, INTAKE, RELAY)
RUNTIME_ROLES: Final = (*LOGIN_ROLES, FLEET)
OUR_ROLES: Final = (*RUNTIME_ROLES, BACKUP, PURGE)

IDLE_SECONDS: Final = 5
"""Longer than any of our transactions idles between two statements, shorter than a lease: a process that was suspended
inside a transaction must not keep its locks until it is resumed, while every worker waits for the same row.
"""


@dataclass(frozen=True, slots=True)
class RolePasswords:
    app: str
    intake: str
    relay: str
    backup: str = ""  # empty: BACKUP's login stays as it is


async def ensure_roles(connection: AsyncConnection, passwords: RolePasswords) -> None:
    """Create the roles or renew their passwords. Roles are cluster-wide, so this runs before the migrations.

    The app is a member of FLEET without inheriting it: its policies apply only after `SET LOCAL ROLE`. In the same way
    the owner of the connection's database may switch to BACKUP and PURGE. PURGE inherits the app's privileges and
    policies, so that it, too, accesses one tenant's rows at a time. Neither the owner nor BACKUP bypasses row-level
    security, because managed servers let no customer grant that; policies let BACKUP read every row instead.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('fairlead roles'))")
    by_name = {APP: passwords.app, INTAKE: passwords.intake, RELAY: passwords.relay}
    for name, password in by_name.items():
        verb = await _verb(connection, name)
        # Only a superuser may name the superuser attributes in ALTER, even to deny them; managed databases grant no
        # superuser.
        attributes = "NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT" if verb == "CREATE" else "NOINHERIT"
        await connection.execute(
            sql.SQL("{} ROLE {} WITH LOGIN {} PASSWORD {}").format(
                sql.SQL(verb),
                sql.Identifier(name),
                sql.SQL(attributes),
                sql.Literal(_verifier(connection, name, password)),
            )
        )
        await connection.execute(
            sql.SQL("ALTER ROLE {} SET idle_in_transaction_session_timeout = {}").format(
                sql.Identifier(name), sql.Literal(f"{IDLE_SECONDS}s")
            )
        )
    for name in (FLEET, BACKUP, PURGE):
        if await _verb(connection, name) == "CREATE":
            await connection.execute(
                sql.SQL("CREATE ROLE {} NOLOGIN NOSUPERUSER NOBYPASSRLS").format(sql.Identifier(name))
            )
    if passwords.backup:
        await connection.execute(
            sql.SQL("ALTER ROLE {} WITH LOGIN PASSWORD {}").format(
                sql.Identifier(BACKUP), sql.Literal(_verifier(connection, BACKUP, passwords.backup))
            )
        )
    await _grant_switch(connection, FLEET, APP)
    await _grant_inheritance(connection, APP, PURGE)
    found = await connection.execute(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    )
    if owner := await found.fetchone():
        await _grant_switch(connection, BACKUP, owner[0])
        await _grant_switch(connection, PURGE, owner[0])
    await _close_large_objects(connection)


def _verifier(connection: AsyncConnection, role: str, password: str) -> str:
    """SCRAM verifier: the server logs a failed statement, which must not contain the password."""
    return connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()


async def _close_large_objects(connection: AsyncConnection) -> None:
    """Revoke large objects from PUBLIC, where possible. They are covered by no policy, and only a superuser can revoke
    them.
    """
    found = await connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if await found.fetchone() != (True,):
        return
    functions = await connection.execute(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
        " AND (proname LIKE 'lo\\_%' OR proname IN ('loread', 'lowrite'))"
        " AND has_function_privilege('public', oid, 'EXECUTE')"
    )
    for (signature,) in await functions.fetchall():
        await connection.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(sql.SQL(signature)))


async def _grant_switch(connection: AsyncConnection, role: str, member: str) -> None:
    """Allow `member` to switch to `role` by SET ROLE only: it does not inherit the privileges."""
    found = await connection.execute(
        "SELECT 1 FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles a ON a.oid = m.member"
        " WHERE g.rolname = %s AND a.rolname = %s AND m.set_option",
        (role, member),
    )
    if await found.fetchone() is None:
        await connection.execute(
            sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(sql.Identifier(role), sql.Identifier(member))
        )


async def _grant_inheritance(connection: AsyncConnection, role: str, member: str) -> None:
    """Give `member` the privileges and policies of `role`, to which it cannot switch."""
    found = await connection.execute(
        "SELECT 1 FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles a ON a.oid = m.member"
        " WHERE g.rolname = %s AND a.rolname = %s AND m.inherit_option",
        (role, member),
    )
    if await found.fetchone() is None:
        await connection.execute(
            sql.SQL("GRANT {} TO {} WITH INHERIT TRUE, SET FALSE").format(sql.Identifier(role), sql.Identifier(member))
        )


async def _verb(connection: AsyncConnection, role: str) -> str:
    found = await connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
    return "ALTER" if await found.fetchone() else "CREATE"
