"""Record and repair of the database's policies and grants, after each migration and after a restore without roles.

Policies and grants name roles, and roles are not part of a database. A dump restored where they do not exist loses
both, while the schema's revision shows nothing missing. So each migration to the head records the current policies and
grants in the database itself, and the next one restores the missing ones.
"""

from typing import Any, Final, NamedTuple

import msgspec
import psycopg
from psycopg import sql

from foundation.database.partitions import SCHEMA
from foundation.database.roles import BACKUP, OUR_ROLES, RUNTIME_ROLES

_RECORD: Final = "access"
_POLICY: Final = "backup_reads"
_SCHEMAS: Final = ["public", SCHEMA]
Connection = psycopg.Connection[Any]


class Policy(msgspec.Struct, frozen=True, order=True):
    table: str
    name: str
    permissive: str
    verb: str
    roles: tuple[str, ...]
    using: str | None
    check: str | None


class Grant(msgspec.Struct, frozen=True, order=True):
    """A privilege of one of our roles. `column` is empty for the complete table; `kind` is TABLE, SEQUENCE, FUNCTION or
    SCHEMA.
    """

    kind: str
    name: str
    column: str
    privilege: str
    role: str


class AccessRecord(msgspec.Struct, frozen=True):
    revision: str
    policies: list[Policy]
    grants: list[Grant]


class Lost(NamedTuple):
    policies: list[Policy]
    grants: list[Grant]


def read_access(connection: Connection, revision: str) -> AccessRecord:
    """The current policies and our roles' grants. Partitions have none of their own except the owner's and the backup
    role's.
    """
    policies = connection.execute(
        "SELECT tablename, policyname, permissive, cmd, roles::text[], qual, with_check FROM pg_policies"
        " WHERE schemaname = 'public' ORDER BY tablename, policyname"
    ).fetchall()
    grants = connection.execute(_GRANTS, {"roles": list(OUR_ROLES), "schemas": _SCHEMAS}).fetchall()
    return AccessRecord(
        revision=revision,
        policies=[Policy(row[0], row[1], row[2], row[3], tuple(row[4]), row[5], row[6]) for row in policies],
        grants=[Grant(*row) for row in grants],
    )


_GRANTS: Final = """
    SELECT CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, c.relname::text, '' AS column,
           a.privilege_type, pg_get_userbyid(a.grantee)::text
      FROM pg_class c, aclexplode(c.relacl) a
     WHERE c.relnamespace = 'public'::regnamespace AND pg_get_userbyid(a.grantee)::text = ANY (%(roles)s)
    UNION ALL
    SELECT 'TABLE', c.relname, t.attname, a.privilege_type, pg_get_userbyid(a.grantee)
      FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid AND NOT t.attisdropped, aclexplode(t.attacl) a
     WHERE c.relnamespace = 'public'::regnamespace AND pg_get_userbyid(a.grantee)::text = ANY (%(roles)s)
    UNION ALL
    SELECT 'FUNCTION', p.oid::regprocedure::text, '', a.privilege_type, pg_get_userbyid(a.grantee)
      FROM pg_proc p JOIN pg_namespace n_ ON n_.oid = p.pronamespace, aclexplode(p.proacl) a
     WHERE n_.nspname = ANY (%(schemas)s) AND pg_get_userbyid(a.grantee)::text = ANY (%(roles)s)
    UNION ALL
    SELECT 'SCHEMA', n.nspname, '', a.privilege_type, pg_get_userbyid(a.grantee)
      FROM pg_namespace n, aclexplode(n.nspacl) a
     WHERE n.nspname = ANY (%(schemas)s) AND pg_get_userbyid(a.grantee)::text = ANY (%(roles)s)
    ORDER BY 1, 2, 3, 4, 5
"""


def find_lost(connection: Connection, revision: str) -> Lost:
    """Policies and grants recorded for this revision and missing in the database. Empty without such a record."""
    found = connection.execute("SELECT to_regclass('public.installation') IS NOT NULL").fetchone()
    if found != (True,):
        return Lost([], [])
    kept = connection.execute("SELECT value::text FROM installation WHERE name = %s", (_RECORD,)).fetchone()
    if kept is None:
        return Lost([], [])
    record = msgspec.json.decode(kept[0], type=AccessRecord)
    if record.revision != revision:
        return Lost([], [])
    current = read_access(connection, revision)
    names = {(policy.table, policy.name) for policy in current.policies}
    grants = set(current.grants)
    return Lost(
        [policy for policy in record.policies if (policy.table, policy.name) not in names],
        [grant for grant in record.grants if grant not in grants],
    )


def repair_access(connection: Connection, revision: str) -> Lost:
    """Restore the lost policies and grants, and return them."""
    lost = find_lost(connection, revision)
    with connection.transaction():
        for policy in lost.policies:
            connection.execute(_policy_sql(policy))
        for grant in lost.grants:
            connection.execute(_grant_sql(grant))
    return lost


def finish_access(connection: Connection, revision: str) -> None:
    """Final step of a migration to the head: opens all tables to backups, closes everything to PUBLIC, and records
    access.
    """
    _close_to_public(connection)
    _revoke_default_privileges(connection)
    _close_partitions(connection)
    _replace_owner_name(connection)
    open_to_backup(connection)
    record = msgspec.json.encode(read_access(connection, revision)).decode()
    with connection.transaction():
        connection.execute(
            "INSERT INTO installation (name, value, recorded_at) VALUES (%s, %s, clock_timestamp())"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value, recorded_at = excluded.recorded_at"
            " WHERE installation.value <> excluded.value",
            (_RECORD, record),
        )


def open_to_backup(connection: Connection) -> None:
    """Let backups read every table. Derived from the catalogue, so that no table is forgotten; the relay creates
    partitions between migrations.

    One table per statement, because a policy locks its table. Requires an autocommitting connection.
    """
    tables = connection.execute(
        "SELECT n.nspname, c.relname, NOT has_table_privilege(%(role)s, c.oid, 'SELECT'), c.relrowsecurity"
        " AND NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = %(policy)s)"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY (%(schemas)s) ORDER BY 1, 2",
        {"role": BACKUP, "policy": _POLICY, "schemas": _SCHEMAS},
    ).fetchall()
    role = sql.Identifier(BACKUP)
    for schema, name, no_grant, no_policy in tables:
        table = sql.Identifier(schema, name)
        with connection.transaction():
            if no_grant:
                connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(table, role))
            if no_policy:
                connection.execute(
                    sql.SQL("CREATE POLICY {} ON {} FOR SELECT TO {} USING (true)").format(
                        sql.Identifier(_POLICY), table, role
                    )
                )
    schemas = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY (%s)", (_SCHEMAS,)).fetchall()
    for (schema,) in schemas:
        name = sql.Identifier(schema)
        with connection.transaction():
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(name, role))
            connection.execute(sql.SQL("GRANT SELECT ON ALL SEQUENCES IN SCHEMA {} TO {}").format(name, role))


def _close_partitions(connection: Connection) -> None:
    """Recreate the owner's policy on partitions: a restored backup lacks it, as the owner's name may differ."""
    lost = connection.execute(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'"
        " AND c.relnamespace = to_regnamespace(%s) AND NOT EXISTS"
        " (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'owner')",
        (SCHEMA,),
    ).fetchall()
    for (name,) in lost:
        connection.execute(sql.SQL("SELECT {}.close(%s::regclass)").format(sql.Identifier(SCHEMA)), (name,))


def _replace_owner_name(connection: Connection) -> None:
    """Replace policies that name the owner: they cannot be restored where the owner has another name."""
    found = connection.execute(
        "SELECT c.oid::regclass::text, p.polname, ARRAY(SELECT pg_get_userbyid(r)::text FROM unnest(p.polroles) r"
        "  WHERE r NOT IN (c.relowner, 'pg_database_owner'::regrole))"
        " FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relowner = ANY (p.polroles)"
    ).fetchall()
    for table, policy, others in found:
        roles = sql.SQL(", ").join(map(sql.Identifier, ["pg_database_owner", *others]))
        statement = sql.SQL("ALTER POLICY {} ON {} TO {}").format(sql.Identifier(policy), sql.SQL(table), roles)
        with connection.transaction():
            connection.execute(statement)


def _close_to_public(connection: Connection) -> None:
    """Revoke PUBLIC's privileges; PUBLIC includes every role. A function that runs with its caller's rights grants
    none, so our roles may call those that name no caller; a function that runs with its owner's rights is granted by
    the migration that creates it.
    """
    invokers = connection.execute(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND NOT prosecdef"
        " AND prorettype <> 'trigger'::regtype AND prokind = 'f' AND NOT EXISTS ("
        "  SELECT 1 FROM pg_depend d WHERE d.objid = pg_proc.oid AND d.deptype = 'e') AND NOT EXISTS ("
        "  SELECT 1 FROM aclexplode(proacl) a WHERE pg_get_userbyid(a.grantee)::text = ANY (%s))",
        (list(RUNTIME_ROLES),),
    ).fetchall()
    roles = sql.SQL(", ").join(map(sql.Identifier, RUNTIME_ROLES))
    with connection.transaction():
        connection.execute(
            sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(connection.info.dbname))
        )
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(roles))
        connection.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC")
        for (signature,) in invokers:
            connection.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(sql.SQL(signature), roles))


def _revoke_default_privileges(connection: Connection) -> None:
    """Revoke default privileges, so that the owner's later objects are closed to all other roles: PostgreSQL lets
    PUBLIC call every new function, and default privileges set by an administrator would open new tables. Migrations
    grant explicitly.
    """
    opened = connection.execute(
        "SELECT DISTINCT n.nspname, d.defaclobjtype, CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END"
        " FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) a"
        " WHERE d.defaclrole = current_user::regrole AND a.grantee <> d.defaclrole AND d.defaclobjtype IN"
        " ('r', 'S', 'f', 'n') AND (n.nspname IS NULL OR n.nspname = ANY (%s))",
        (_SCHEMAS,),
    ).fetchall()
    with connection.transaction():
        connection.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
        for schema, kind, grantee in opened:
            inside = sql.SQL("IN SCHEMA {} ").format(sql.Identifier(schema)) if schema else sql.SQL("")
            whom = sql.Identifier(grantee) if grantee else sql.SQL("PUBLIC")
            connection.execute(
                sql.SQL("ALTER DEFAULT PRIVILEGES {}REVOKE ALL ON {} FROM {}").format(
                    inside, sql.SQL(_KINDS[kind]), whom
                )
            )


_KINDS: Final = {"r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "n": "SCHEMAS"}


def _policy_sql(policy: Policy) -> sql.Composed:
    parts = [
        sql.SQL("CREATE POLICY {} ON {} AS {} FOR {} TO {}").format(
            sql.Identifier(policy.name),
            sql.Identifier(policy.table),
            sql.SQL("PERMISSIVE" if policy.permissive == "PERMISSIVE" else "RESTRICTIVE"),
            sql.SQL(policy.verb if policy.verb in _VERBS else "ALL"),
            sql.SQL(", ").join(sql.SQL("PUBLIC") if r == "public" else sql.Identifier(r) for r in policy.roles),
        )
    ]
    # The expressions are PostgreSQL's own text of the recorded policy, read from the owner's table.
    if policy.using is not None:
        parts.append(sql.SQL(" USING ({})").format(sql.SQL(policy.using)))
    if policy.check is not None:
        parts.append(sql.SQL(" WITH CHECK ({})").format(sql.SQL(policy.check)))
    return sql.Composed(parts)


def _grant_sql(grant: Grant) -> sql.Composed:
    # Privileges and signatures are PostgreSQL's own text.
    privilege: sql.Composable = sql.SQL(grant.privilege)
    if grant.column:
        privilege = sql.SQL("{} ({})").format(privilege, sql.Identifier(grant.column))
    name: sql.Composable = sql.SQL(grant.name) if grant.kind == "FUNCTION" else sql.Identifier(grant.name)
    return sql.SQL("GRANT {} ON {} {} TO {}").format(privilege, sql.SQL(grant.kind), name, sql.Identifier(grant.role))


_VERBS = frozenset({"ALL", "SELECT", "INSERT", "UPDATE", "DELETE"})
