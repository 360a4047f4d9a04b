"""What is in a database, counted and digested as the backup's role sees it."""

import re
from collections import Counter
from typing import IO, Any, Final

import psycopg
from psycopg import sql

from controlplane.backup.errors import BackupFailed
from controlplane.backup.manifest import BackupAuditHead, TableFacts
from foundation.database.partitions import SCHEMA
from foundation.database.roles import BACKUP

Connection = psycopg.Connection[Any]
_COPY: Final = re.compile(rb'^COPY public\."?([^" (]+)"? \(.*\) FROM stdin;\n$')
# How values are written must not depend on who asks.
_WRITTEN: Final = (
    "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'postgres';"
    " SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL statement_timeout = 0;"
    " SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL transaction_timeout = 0"
)


def enter_backup_role(connection: Connection) -> None:
    """For the present transaction: every row is seen, or an error is raised."""
    connection.execute(_WRITTEN)
    _check_nothing_is_hidden(connection)
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(BACKUP)))


def _check_nothing_is_hidden(connection: Connection) -> None:
    """Row-level security shows fewer rows without an error, so what stands in its way is looked for beforehand."""
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
    """The name under which another session sees exactly what this transaction sees."""
    return str(connection.execute("SELECT pg_export_snapshot()").fetchall()[0][0])


def list_tables(connection: Connection) -> list[str]:
    """Whole tables; their partitions are counted with them."""
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    return [name for (name,) in rows.fetchall()]


def read_tables(connection: Connection) -> dict[str, TableFacts]:
    """Rows and digest of each table; the sum of the rows' hashes does not depend on their order."""
    found = {}
    for name in list_tables(connection):
        counted = sql.SQL(
            "SELECT count(*), coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint), 0)::text FROM {} t"
        )
        for rows, digest in connection.execute(counted.format(sql.Identifier("public", name))):
            found[name] = TableFacts(rows, digest)
    return found


def read_heads(connection: Connection) -> list[BackupAuditHead]:
    rows = connection.execute("SELECT tenant_id, msp_id, seq, hash FROM audit_head ORDER BY tenant_id").fetchall()
    return [BackupAuditHead(tenant_id, msp_id, seq, bytes(digest).hex()) for tenant_id, msp_id, seq, digest in rows]


def read_vault_keys(connection: Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT DISTINCT kek_id FROM vault_key ORDER BY 1").fetchall()]


def read_revision(connection: Connection) -> str:
    try:
        with connection.transaction():
            row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    return row[0] if row is not None else ""


def count_copied(stream: IO[bytes]) -> "Counter[str]":
    """Rows per table in pg_restore's script: what the archive really holds."""
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
