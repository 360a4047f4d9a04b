"""Tables partitioned by time, for migrations, and the function that creates partitions ahead.

Partitions lie in a schema of their own, which no role of the application may use: rows are reached through the
partitioned table, whose policies and grants decide. Each partition has row-level security forced with one policy, for
the owner, whose maintenance moves and drops rows there. The default partition takes what no month covers: old rows that
outlive their month, and new ones should nobody have created their month.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from foundation.database.roles import RELAY

SCHEMA: Final = "fairlead_partitions"
MONTHS_AHEAD: Final = 2
MOST_AT_ONCE: Final = 12
"""Months of one table. After a long pause the rest follows at the next calls; a clock that is years ahead makes a few
empty partitions rather than thousands. Rows without a month are in the default partition meanwhile.
"""

_POLICIES = """
SELECT policyname, permissive, array_to_string(roles, ', '), cmd, qual, with_check FROM pg_policies
 WHERE schemaname = '{schema}' AND tablename = '{table}' ORDER BY policyname
"""
_GRANTS = """
SELECT a.privilege_type, NULL, pg_get_userbyid(a.grantee) FROM pg_class c, aclexplode(c.relacl) a
 WHERE c.oid = '{name}'::regclass AND a.grantee <> c.relowner AND a.grantee <> 0
UNION ALL
SELECT a.privilege_type, quote_ident(t.attname), pg_get_userbyid(a.grantee)
  FROM pg_attribute t, pg_class c, aclexplode(t.attacl) a
 WHERE t.attrelid = '{name}'::regclass AND c.oid = t.attrelid AND NOT t.attisdropped AND a.grantee <> 0
"""
_INDEXES = """
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = '{name}'::regclass
   AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""
_TRIGGERS = """
SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = '{name}'::regclass AND NOT tgisinternal
"""
_KEYS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE conrelid = '{name}'::regclass AND contype IN ('p', 'u')
"""


def month_after(at: datetime) -> datetime:
    return at.replace(
        year=at.year + at.month // 12, month=at.month % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0
    )


def create_partition_functions(connection: Connection) -> None:
    """The schema, and the definer functions by which the relay creates the coming months. They take no argument."""
    for statement in (*_SETUP, _BOUND, _TIME_OF, _LAST_END, _CREATE, CREATE_AHEAD, _ANALYZE, _COVERAGE):
        _run(connection, statement)
    relays = ("create_ahead()", "analyze_tables()", "coverage()")
    for function in ("close(regclass)", "create_month(regclass, timestamptz)", *relays):
        _run(connection, f"REVOKE ALL ON FUNCTION {SCHEMA}.{function} FROM PUBLIC")
    _run(connection, f"GRANT USAGE ON SCHEMA {SCHEMA} TO {RELAY}")
    for function in relays:
        _run(connection, f"GRANT EXECUTE ON FUNCTION {SCHEMA}.{function} TO {RELAY}")


def drop_partition_functions(connection: Connection) -> None:
    _run(connection, f"DROP SCHEMA {SCHEMA} CASCADE")


def partition(connection: Connection, table: str, key: str, *, primary_key: str = "", until: datetime) -> None:
    """Partition `table` by `key`, a UUIDv7 or a time. What it holds becomes the partition of all time before `until`.

    Nothing is copied but rows whose key is later, which the default partition gets. Policies, grants, indexes, keys,
    checks and triggers are taken over as they are; `primary_key` replaces that of a table whose key lacks `key`.
    """
    first = f"{SCHEMA}.{table}_initial"
    _run(connection, f"ALTER TABLE public.{table} SET SCHEMA {SCHEMA}")
    _run(connection, f"ALTER TABLE {SCHEMA}.{table} RENAME TO {table}_initial")
    _run(connection, f"ALTER TABLE {first} DISABLE ROW LEVEL SECURITY")
    if primary_key:
        _run(connection, f"ALTER TABLE {first} DROP CONSTRAINT pk_{table}")
        _run(connection, f"ALTER TABLE {first} ADD CONSTRAINT pk_{table} PRIMARY KEY ({primary_key})")
    _run(
        connection,
        f"CREATE TABLE public.{table} (LIKE {first} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE"
        f" INCLUDING GENERATED) PARTITION BY RANGE ({key})",
    )
    traits = _traits(connection, first)
    _take(connection, first, traits)
    _give(connection, f"public.{table}", traits)
    options = connection.exec_driver_sql(
        f"SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = '{first}'::regclass"
    ).scalar()
    _run(
        connection,
        f"CREATE TABLE {SCHEMA}.{table}_default PARTITION OF public.{table} DEFAULT"
        + (f" WITH ({options})" if options else ""),
    )
    bound = f"{SCHEMA}.bound('public.{table}'::regclass, '{until.isoformat()}')"
    upper = connection.exec_driver_sql(f"SELECT {bound}").scalar_one()
    _run(
        connection,
        f"WITH late AS (DELETE FROM {first} WHERE {key} >= '{upper}' RETURNING *)"
        f" INSERT INTO {SCHEMA}.{table}_default SELECT * FROM late",
    )
    _run(connection, f"ALTER TABLE public.{table} ATTACH PARTITION {first} FOR VALUES FROM (MINVALUE) TO ('{upper}')")
    for part in (f"{table}_initial", f"{table}_default"):
        _run(connection, f"SELECT {SCHEMA}.close('{SCHEMA}.{part}'::regclass)")


def unpartition(connection: Connection, table: str, *, primary_key: str = "") -> None:
    """Back to one plain table: every row is copied."""
    name, whole = f"public.{table}", f"{SCHEMA}.{table}_whole"
    traits = _traits(connection, name)
    options = connection.exec_driver_sql(
        f"SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = '{SCHEMA}.{table}_default'::regclass"
    ).scalar()
    _run(connection, f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY")
    _run(
        connection,
        f"CREATE TABLE {whole} (LIKE {name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE"
        f" INCLUDING GENERATED)" + (f" WITH ({options})" if options else ""),
    )
    _run(connection, f"INSERT INTO {whole} SELECT * FROM {name}")
    _run(connection, f"DROP TABLE {name}")
    _run(connection, f"ALTER TABLE {whole} RENAME TO {table}")
    _run(connection, f"ALTER TABLE {SCHEMA}.{table} SET SCHEMA public")
    _give(connection, name, traits, primary_key=primary_key)


class _Traits(NamedTuple):
    """What CREATE TABLE LIKE does not copy. Statements about `source` have {table} in its place."""

    keys: Sequence[tuple[str, ...]]
    indexes: Sequence[str]
    triggers: Mapping[str, str]
    policies: Sequence[tuple[str, ...]]
    grants: Sequence[tuple[str, ...]]


def _traits(connection: Connection, source: str) -> _Traits:
    schema, _, table = source.partition(".")
    spellings = (f" ON ONLY {source} ", f" ON {source} ", f" ON ONLY {table} ", f" ON {table} ")

    def about_any(statement: str) -> str:
        for spelling in spellings:
            statement = statement.replace(spelling, " ON {table} ")
        return statement

    return _Traits(
        keys=_rows(connection, _KEYS.format(name=source)),
        indexes=[about_any(row[0]) for row in _rows(connection, _INDEXES.format(name=source))],
        triggers={row[0]: about_any(row[1]) for row in _rows(connection, _TRIGGERS.format(name=source))},
        policies=_rows(connection, _POLICIES.format(schema=schema, table=table)),
        grants=_rows(connection, _GRANTS.format(name=source)),
    )


def _give(connection: Connection, target: str, traits: _Traits, *, primary_key: str = "") -> None:
    for name, definition in traits.keys:
        changed = primary_key and definition.startswith("PRIMARY KEY")
        key = f"PRIMARY KEY ({primary_key})" if changed else definition
        _run(connection, f"ALTER TABLE {target} ADD CONSTRAINT {name} {key}")
    for statement in (*traits.indexes, *traits.triggers.values()):
        _run(connection, statement.replace("{table}", target))
    _run(connection, f"ALTER TABLE {target} ENABLE ROW LEVEL SECURITY")
    _run(connection, f"ALTER TABLE {target} FORCE ROW LEVEL SECURITY")
    for name, permissive, roles, verb, qual, check in traits.policies:
        using = f" USING ({qual})" if qual else ""
        with_check = f" WITH CHECK ({check})" if check else ""
        _run(connection, f"CREATE POLICY {name} ON {target} AS {permissive} FOR {verb} TO {roles}{using}{with_check}")
    for privilege, column, role in traits.grants:
        _run(connection, f"GRANT {privilege}{f' ({column})' if column else ''} ON {target} TO {role}")


def _take(connection: Connection, source: str, traits: _Traits) -> None:
    """A partition must not keep what its table has now: triggers would run twice, grants would lead round it."""
    for name in traits.triggers:
        _run(connection, f"DROP TRIGGER {name} ON {source}")
    for name, *_ in traits.policies:
        _run(connection, f"DROP POLICY {name} ON {source}")
    for privilege, column, role in traits.grants:
        _run(connection, f"REVOKE {privilege}{f' ({column})' if column else ''} ON {source} FROM {role}")


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement.replace("%", "%%"))


def _rows(connection: Connection, statement: str) -> list[tuple[str, ...]]:
    return [tuple(row) for row in connection.exec_driver_sql(statement).all()]


_SETUP = (
    f"CREATE SCHEMA {SCHEMA}",
    f"REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC",
    # In a definer function and in a migration CURRENT_USER is the owner.
    f"""
CREATE FUNCTION {SCHEMA}.close(p_partition regclass) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_partition);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p_partition);
    EXECUTE format('CREATE POLICY owner ON %s TO CURRENT_USER USING (true) WITH CHECK (true)', p_partition);
END $$
""",
)
# The key at which a time begins: UUIDv7 has the milliseconds since 1970 in its first 48 bits.
_BOUND = f"""
CREATE FUNCTION {SCHEMA}.bound(p_table regclass, p_at timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT CASE WHEN (SELECT a.atttypid = 'uuid'::regtype FROM pg_partitioned_table p
                        JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
                       WHERE p.partrelid = p_table)
           THEN (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid::text
           ELSE to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00' END
$$
"""
_TIME_OF = f"""
CREATE FUNCTION {SCHEMA}.time_of(p_bound text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT CASE WHEN p_bound ~ '^[0-9a-f]{{8}}-'
           THEN to_timestamp(('x' || left(replace(p_bound, '-', ''), 12))::bit(48)::bigint / 1000.0)
           ELSE p_bound::timestamptz END
$$
"""
_LAST_END = f"""
CREATE FUNCTION {SCHEMA}.last_end(p_table regclass) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT max({SCHEMA}.time_of(substring(pg_get_expr(c.relpartbound, c.oid) FROM $re$TO \\('([^']+)'\\)$re$)))
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = p_table
$$
"""
# Rows that came before their month was created are in the default partition: they move, under its lock.
_CREATE = f"""
CREATE FUNCTION {SCHEMA}.create_month(p_table regclass, p_from timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
    v_name text; v_key text; v_options text; v_low text := {SCHEMA}.bound(p_table, p_from);
    v_high text := {SCHEMA}.bound(p_table, date_trunc('month', p_from) + interval '1 month');
BEGIN
    SELECT c.relname, a.attname INTO v_name, v_key
      FROM pg_class c JOIN pg_partitioned_table p ON p.partrelid = c.oid
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0] WHERE c.oid = p_table;
    EXECUTE format('LOCK TABLE {SCHEMA}.%I IN ACCESS EXCLUSIVE MODE', v_name || '_default');
    SELECT array_to_string(c.reloptions, ', ') INTO v_options FROM pg_class c
     WHERE c.relname = v_name || '_default' AND c.relnamespace = '{SCHEMA}'::regnamespace;
    v_name := v_name || to_char(p_from, '_YYYY_MM');
    EXECUTE format('CREATE TABLE {SCHEMA}.%I (LIKE %s INCLUDING ALL)', v_name, p_table)
            || coalesce(' WITH (' || v_options || ')', '');
    EXECUTE format('WITH early AS (DELETE FROM {SCHEMA}.%I WHERE %I >= %L AND %I < %L RETURNING *)'
                   ' INSERT INTO {SCHEMA}.%I SELECT * FROM early',
                   (SELECT relname FROM pg_class WHERE oid = p_table) || '_default',
                   v_key, v_low, v_key, v_high, v_name);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION {SCHEMA}.%I FOR VALUES FROM (%L) TO (%L)',
                   p_table, v_name, v_low, v_high);
    PERFORM {SCHEMA}.close(format('{SCHEMA}.%I', v_name)::regclass);
END $$
"""
CREATE_AHEAD: Final = f"""
CREATE OR REPLACE FUNCTION {SCHEMA}.create_ahead() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC' AS $$
DECLARE v_table regclass; v_end timestamptz; v_made integer := 0; v_here integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('{SCHEMA}.create_ahead')) THEN RETURN 0; END IF;
    FOR v_table IN SELECT p.partrelid FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
                    WHERE c.relnamespace = 'public'::regnamespace ORDER BY c.relname LOOP
        v_here := 0;
        v_end := coalesce({SCHEMA}.last_end(v_table), date_trunc('month', now()));  -- none: retention dropped them all
        WHILE v_end <= date_trunc('month', now()) + interval '{MONTHS_AHEAD} months' AND v_here < {MOST_AT_ONCE} LOOP
            PERFORM {SCHEMA}.create_month(v_table, v_end);
            v_end := v_end + interval '1 month';
            v_here := v_here + 1;
        END LOOP;
        v_made := v_made + v_here;
    END LOOP;
    RETURN v_made;
END $$
"""
# Autovacuum analyses partitions, never the partitioned table, by whose statistics joins are planned.
_ANALYZE = f"""
CREATE FUNCTION {SCHEMA}.analyze_tables() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE v_table regclass;
BEGIN
    FOR v_table IN SELECT p.partrelid FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
                    WHERE c.relnamespace = 'public'::regnamespace ORDER BY c.relname LOOP
        EXECUTE format('ANALYZE %s', v_table);
    END LOOP;
END $$
"""
# Each table, the end of its last month, and whether rows of a later time are in its default partition.
_COVERAGE = f"""
CREATE FUNCTION {SCHEMA}.coverage(OUT name text, OUT ends timestamptz, OUT beyond boolean) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE v_table regclass; v_key text;
BEGIN
    FOR v_table, name, v_key IN
        SELECT c.oid, c.relname, a.attname FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
         WHERE c.relnamespace = 'public'::regnamespace ORDER BY c.relname LOOP
        ends := {SCHEMA}.last_end(v_table);
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM {SCHEMA}.%I WHERE %I >= %L AND %I < %L)', name || '_default',
                       v_key, {SCHEMA}.bound(v_table, ends), v_key, {SCHEMA}.bound(v_table, ends + interval '10 years'))
           INTO beyond;
        RETURN NEXT;
    END LOOP;
END $$
"""
