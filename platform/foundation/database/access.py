"""Who may use what in the database, kept whole: after each migration, and after a restore that lost the roles.

Policies and grants name roles, and roles are not part of a database. A dump that is restored where they do not exist
loses both, while the schema's revision says that nothing is missing. So each migration to the head records the policies
and grants that stand, in the database itself, and the next one puts back what is gone.
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
    """`column` is empty for the whole table; `kind` is TABLE, SEQUENCE, FUNCTION or SCHEMA."""

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
    """The policies and our roles' grants that stand. Partitions have none of their own but the owner's and backups'."""
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
    """What the record of this revision names and the database lacks. Nothing when there is no such record."""
    found = connection.execute("SELECT to_regclass('public.installation') IS NOT NULL").fetchone()
    if found != (True,):
        return Lost([], [])
    kept = connection.execute("SELECT value::text FROM installation WHERE name = %s", (_RECORD,)).fetchone()
    if kept is None:
        return Lost([], [])
    record = msgspec.json.decode(kept[0], type=AccessRecord)
    if record.revision != revision:
        return Lost([], [])
    standing = read_access(connection, revision)
    names = {(policy.table, policy.name) for policy in standing.policies}
    grants = set(standing.grants)
    return Lost(
        [policy for policy in record.policies if (policy.table, policy.name) not in names],
        [grant for grant in record.grants if grant not in grants],
    )


def repair_access(connection: Connection, revision: str) -> Lost:
    """Put back what was lost. Returns what that was."""
    lost = find_lost(connection, revision)
    with connection.transaction():
        for policy in lost.policies:
            connection.execute(_policy_sql(policy))
        for grant in lost.grants:
            connection.execute(_grant_sql(grant))
    return lost


def settle_access(connection: Connection, revision: str) -> None:
    """After a migration to the head: backups can read every table, PUBLIC uses nothing, and all of it is recorded."""
    _close_to_public(connection)
    _close_what_comes(connection)
    _close_partitions(connection)
    _name_owner_by_office(connection)
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
    """Derived from the catalogue, so that no table is forgotten; the relay creates partitions between migrations.

    One at a time, because a policy locks its table. On an autocommitting connection.
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
    """The policy of the owner, by whatever name it goes here, is not part of a restored backup."""
    lost = connection.execute(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'"
        " AND c.relnamespace = to_regnamespace(%s) AND NOT EXISTS"
        " (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'owner')",
        (SCHEMA,),
    ).fetchall()
    for (name,) in lost:
        connection.execute(sql.SQL("SELECT {}.close(%s::regclass)").format(sql.Identifier(SCHEMA)), (name,))


def _name_owner_by_office(connection: Connection) -> None:
    """A policy for the owner by name cannot be restored where the owner goes by another one."""
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
    """PUBLIC is every role there is. A function that runs with its caller's rights gives none away, so our roles may
    call those; a function that runs with its owner's rights is granted by the migration that makes it.
    """
    invokers = connection.execute(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND NOT prosecdef"
        " AND prorettype <> 'trigger'::regtype AND prokind = 'f' AND NOT EXISTS ("
        "  SELECT 1 FROM pg_depend d WHERE d.objid = pg_proc.oid AND d.deptype = 'e')"
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


def _close_what_comes(connection: Connection) -> None:
    """What the owner creates later gives nothing to anybody: PostgreSQL lets PUBLIC call every new function, and
    default privileges that somebody set would open new tables. A migration says whom it lets in.
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
    # The expressions are PostgreSQL's own text of what stood, read from the owner's table.
    if policy.using is not None:
        parts.append(sql.SQL(" USING ({})").format(sql.SQL(policy.using)))
    if policy.check is not None:
        parts.append(sql.SQL(" WITH CHECK ({})").format(sql.SQL(policy.check)))
    return sql.Composed(parts)


def _grant_sql(grant: Grant) -> sql.Composed:
    # Privileges and signatures are PostgreSQL's own words.
    privilege: sql.Composable = sql.SQL(grant.privilege)
    if grant.column:
        privilege = sql.SQL("{} ({})").format(privilege, sql.Identifier(grant.column))
    name: sql.Composable = sql.SQL(grant.name) if grant.kind == "FUNCTION" else sql.Identifier(grant.name)
    return sql.SQL("GRANT {} ON {} {} TO {}").format(privilege, sql.SQL(grant.kind), name, sql.Identifier(grant.role))


_VERBS = frozenset({"ALL", "SELECT", "INSERT", "UPDATE", "DELETE"})
