"""Row counts and digests of a database, read as the backup role."""

import re
from collections import Counter
from typing import IO, Any, Final

import psycopg
from psycopg import sql

from controlplane.backup.errors import BackupFailed
from controlplane.backup.manifest import BackupAuditHead, TableFacts
from foundation.database.partitions import SCHEMA
from foundation.database.roles import BACKUP
from foundation.relations import AUDIT_HEADS, VAULT_KEYS

Connection = psycopg.Connection[Any]
_COPY: Final = re.compile(rb'^COPY public\."?([^" (]+)"? \(.*\) FROM stdin;\n$')
# Output settings are fixed, so that the text of values does not depend on the session.
_WRITTEN: Final = (
    "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'postgres';"
    " SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL statement_timeout = 0;"
    " SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL transaction_timeout = 0"
)


def enter_backup_role(connection: Connection) -> None:
    """Switch the current transaction to the backup role, which sees every row or raises an error."""
    connection.execute(_WRITTEN)
    _check_nothing_is_hidden(connection)
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(BACKUP)))


def _check_nothing_is_hidden(connection: Connection) -> None:
    """Check for policies that hide rows: row-level security filters without an error."""
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (BACKUP,)).fetchone()
    if exists is None:
        raise BackupFailed(f"The role {BACKUP} does not exist. Run `fairlead migrate`, then try again.")
    hidden = connection.execute(_HIDDEN, {"role": BACKUP, "partitions": SCHEMA}).fetchall()
    if hidden:
        names = ", ".join(name for (name,) in hidden[:3])
        raise BackupFailed(
            f"The role {BACKUP} cannot read all of {names}{' and others' if len(hidden) > 3 else ''}."
            " Run `fairlead migrate`, which lets it, then try again."
        )


_HIDDEN: Final = """
    SELECT c.relname FROM pg_class c
     WHERE c.relkind IN ('r', 'p') AND c.relnamespace IN ('public'::regnamespace, to_regnamespace(%(partitions)s)) AND (
        NOT has_table_privilege(%(role)s, c.oid, 'SELECT')
        OR c.relrowsecurity AND NOT EXISTS (
            SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('r', '*')
               AND pg_get_expr(p.polqual, p.polrelid) = 'true' AND p.polroles @> ARRAY[%(role)s::regrole::oid])
        OR c.relrowsecurity AND EXISTS (
            SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive AND p.polcmd IN ('r', '*')
               AND p.polroles && ARRAY[0::oid, %(role)s::regrole::oid]))
     ORDER BY 1
"""


def export_snapshot(connection: Connection) -> str:
    """Export a snapshot. Returns the id with which another session reads the same data."""
    return str(connection.execute("SELECT pg_export_snapshot()").fetchall()[0][0])


def list_tables(connection: Connection) -> list[str]:
    """List full tables; partitions are counted as part of their parent."""
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    return [name for (name,) in rows.fetchall()]


def read_tables(connection: Connection) -> dict[str, TableFacts]:
    """Row count and digest per table. The sum of row hashes is independent of row order."""
    found = {}
    for name in list_tables(connection):
        counted = sql.SQL(
            "SELECT count(*), coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint), 0)::text FROM {} t"
        )
        for rows, digest in connection.execute(counted.format(sql.Identifier("public", name))):
            found[name] = TableFacts(rows, digest)
    return found


def read_heads(connection: Connection) -> list[BackupAuditHead]:
    rows = connection.execute(f"SELECT tenant_id, msp_id, seq, hash FROM {AUDIT_HEADS} h ORDER BY tenant_id").fetchall()
    return [BackupAuditHead(tenant_id, msp_id, seq, bytes(digest).hex()) for tenant_id, msp_id, seq, digest in rows]


def read_vault_keys(connection: Connection) -> list[str]:
    return [name for (name,) in connection.execute(f"SELECT DISTINCT kek_id FROM {VAULT_KEYS} k ORDER BY 1").fetchall()]


def read_revision(connection: Connection) -> str:
    try:
        with connection.transaction():
            row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    return row[0] if row is not None else ""


def count_copied(stream: IO[bytes]) -> "Counter[str]":
    """Rows per table in pg_restore's script, i.e. the actual contents of the archive."""
    rows: Counter[str] = Counter()
    table = ""
    for line in stream:
        if table:
            if line == b"\\.\n":
                table = ""
            else:
                rows[table] += 1
        elif found := _COPY.match(line):
            table = found[1].decode()
            rows[table] += 0
    return rows
