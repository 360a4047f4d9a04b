"""Every right of every role, compared with the catalogue (V9): each with its reason, and no others."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from controlplane.rooms import ROOMS
from foundation.database.access import finish_access
from foundation.database.partitions import SCHEMA
from foundation.database.roles import APP, BACKUP, FLEET, INTAKE, OUR_ROLES, PURGE, RELAY
from foundation.ids import new_id
from foundation.scope import Scope
from tests.conftest import Urls
from tests.isolation.every_table import TABLES
from tests.isolation.rows import enter
from tests.support.client_env import ClientEnv
from tests.support.servers import Servers

Owner = psycopg.Connection[Any]
WHOLE = "*"
# (role, table, verb): columns, and why it is needed.
NARROW: dict[tuple[str, str, str], tuple[str, str]] = {
    (RELAY, "job", "SELECT"): ("delayed lane msp_id ready_at seq tenant_id", "that a lane has jobs, whose, and when"),
    (RELAY, "lane", "SELECT"): ("lease_until name paused_until tenant_id", "that nobody holds the lane"),
    (RELAY, "lane_share", "SELECT"): ("msp_id pool resting tenant_id weight", "which pool serves the client"),
    (RELAY, "timer", "SELECT"): ("due_at", "when to look again, and whether the relay is late (doctor)"),
    (RELAY, "installation", "SELECT"): (WHOLE, "the last backup's age (doctor); a policy shows that row only"),
    (RELAY, "alembic_version", "SELECT"): (WHOLE, "whether the schema fits the program"),
    (INTAKE, "alembic_version", "SELECT"): (WHOLE, "whether the schema fits the program"),
    (INTAKE, "connection", "SELECT"): ("id kind msp_id state tenant_id", "whose an address is"),
    (INTAKE, "client", "SELECT"): ("status tenant_id", "that the client is not suspended"),
    (INTAKE, "connection_secret", "SELECT"): (WHOLE, "webhooks' signing secrets, sealed; a policy shows those only"),
    (INTAKE, "vault_key", "SELECT"): (WHOLE, "data keys, wrapped under a key that is not in the database"),
    (INTAKE, "source_event", "SELECT"): (
        "body_hash connection_id dedupe_key id tenant_id", "whether a delivery came before",
    ),
    (INTAKE, "source_event", "INSERT"): (WHOLE, "webhooks of connections that exist; a policy checks each"),
    (INTAKE, "source_event_key", "SELECT"): (
        "body_hash connection_id dedupe_key event_id tenant_id", "whether a delivery came before",
    ),
    (INTAKE, "source_event_key", "INSERT"): (WHOLE, "as source_event"),
    (INTAKE, "job", "INSERT"): (
        "correlation key kind lane msp_id payload ref tenant_id", "the ingest job of a delivery; a policy checks it",
    ),
}  # fmt: skip
LEDGERS = ("audit_entry", "usage_event", "usage_rollup", "source_event", "policy_version")
SECRET_COLUMNS = {
    "password_hash",
    "secret_hash",
    "ciphertext",
    "wrapped",
    "kept",
    "token_hash",
    "content",
    "password",
    "code_hash",
    "client_secret",
    "token",
}
DEFINERS = {
    "timers_fire()": {RELAY},
    "repairs_fire()": {RELAY},
    f"{SCHEMA}.create_ahead()": {RELAY},
    f"{SCHEMA}.analyze_tables()": {RELAY},
    f"{SCHEMA}.coverage()": {RELAY},
    "record_backup(jsonb)": {BACKUP},
    "last_backup_at()": {APP},
}
CALLERS = {
    "lane_claim": {APP}, "lane_finish": {APP}, "lanes_due": {RELAY}, "lane_backlog": {RELAY},
    "timers_fire": {RELAY}, "repairs_fire": {RELAY}, "record_backup": {BACKUP},
    "last_backup_at": {APP},
}  # fmt: skip


def rights(owner: Owner, roles: list[str]) -> dict[tuple[str, str, str], str]:
    """(role, table, verb): columns, or * for all."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for role, table, verb, column in owner.execute(
        """
        SELECT pg_get_userbyid(a.grantee), c.relname, a.privilege_type, '*' FROM pg_class c, aclexplode(c.relacl) a
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        UNION ALL
        SELECT pg_get_userbyid(a.grantee), c.relname, a.privilege_type, t.attname
          FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a
         WHERE c.relnamespace = 'public'::regnamespace AND NOT t.attisdropped
        """
    ):
        if role in roles:
            found.setdefault((role, table, verb), set()).add(column)
    return {key: WHOLE if WHOLE in columns else " ".join(sorted(columns)) for key, columns in found.items()}


def test_relay_and_intake_have_these_rights_and_no_others(owner: Owner) -> None:
    assert rights(owner, [RELAY, INTAKE]) == {key: columns for key, (columns, _) in NARROW.items()}


def test_the_application_reads_and_writes_rows_and_appends_to_ledgers(owner: Owner) -> None:
    found = rights(owner, [APP])
    assert {verb for _, _, verb in found} <= {"SELECT", "INSERT", "UPDATE", "DELETE"}
    for table in LEDGERS:
        assert {verb for _, name, verb in found if name == table} == {"SELECT", "INSERT"}, table
    assert found[APP, "audit_head", "UPDATE"] == "hash seq"
    assert (APP, "audit_head", "DELETE") not in found
    assert not any(table == "installation" for _, table, _ in found)


def test_the_application_may_do_this_with_each_table_and_no_more(owner: Owner) -> None:
    found: dict[str, set[str]] = {}
    for (_, table, verb), columns in rights(owner, [APP]).items():
        found.setdefault(table, set()).add(verb if columns == WHOLE else f"{verb} ({columns})")
    declared = {name: table.rights for name, table in TABLES.items()}
    assert found == declared, "declare a new table with its rights in `tables.py` of its slice's test folder"


IMMUTABLE = {
    "change": "id record_key element dimension record_type new_value source_version origin author on_behalf_of"
              " targets source_event_id committed_at proposed_at correlation",
    "propagation": "change_id connection_id id record_key element dimension record_type value version"
                   " committed_at released_at",
    "propagation_attempt": "change_id id connection_id record_key element sent is_retry started_at",
    "approval": "id subject_kind content_hash policy_version requested_by author created_at",
    "invoice": "id side client_id period_start period_end currency created_at",
    "invoice_line": "id side invoice_id client_id kind meter product description price_id service_start unit_price"
                    " tiers cause",
    "record_value": "record_key element dimension record_type",
    "connection": "id kind is_source takes_webhooks writes created_at",
    "member": "id email name partner_id created_at",
    "api_key": "id name secret_hash role created_at created_by on_behalf_of_id manages_access",
    "client": "slug currency environment created_at",
    "job": "lane kind key ref payload enqueued_at correlation",
    "audit_entry": "seq at action subject body hash",
    "usage_event": "meter id quantity occurred_at subject_id recording_id",
    "usage_rollup": "meter recording_id hour rows events quantity first_at last_at first_id last_id",
    "source_event": "id connection_id dedupe_key body_hash body received_at",
}  # fmt: skip


@pytest.mark.parametrize("table", IMMUTABLE)
def test_identity_and_decision_columns_are_never_updated(scope: Scope, urls: Urls, table: str) -> None:
    """The grant refuses them in the row's own scope, and a row cannot be moved to another account."""
    with psycopg.connect(urls.app) as connection:
        for column in [*IMMUTABLE[table].split(), "tenant_id", "msp_id"]:
            enter(connection, scope)
            statement = sql.SQL("UPDATE {} SET {column} = {column}").format(
                sql.Identifier(table), column=sql.Identifier(column)
            )
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match=f"permission denied for table {table}"):
                connection.execute(statement)
            connection.rollback()


def test_retention_adds_deleting_these_tables_to_the_applications_rights(owner: Owner) -> None:
    purged = {name for name, table in TABLES.items() if table.purge}
    assert rights(owner, [PURGE]) == {(PURGE, table, "DELETE"): WHOLE for table in purged}
    partitioned = {
        name for (name,) in owner.execute("SELECT relname FROM pg_class WHERE relkind = 'p' AND NOT relispartition")
    }
    unpartitioned = {table.name for one in ROOMS.retained for table in one.tables if not table.partitioned}
    assert unpartitioned <= purged | {name for name, table in TABLES.items() if table.delete}
    deleting = {table for _, table, verb in rights(owner, [APP, PURGE]) if verb == "DELETE"}
    attempts, unread, voided = "propagation_attempt", "unclaimed_message", "rated_usage"
    why = "one without an answer, and what a voided invoice charged, by policies; what a room reads now"
    assert partitioned & deleting == {attempts, unread, voided}, why


def test_functions_and_sequences_have_these_callers_and_no_others(owner: Owner) -> None:
    callers = owner.execute(
        "SELECT p.proname::text, array_agg(pg_get_userbyid(a.grantee)::text) FROM pg_proc p, aclexplode(p.proacl) a"
        " WHERE p.pronamespace = 'public'::regnamespace AND a.grantee <> p.proowner GROUP BY 1"
    ).fetchall()
    assert {name: set(roles) for name, roles in callers} == CALLERS
    sequences = owner.execute(
        "SELECT DISTINCT pg_get_userbyid(a.grantee)::text, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a"
        " WHERE c.relkind = 'S' AND c.relnamespace = 'public'::regnamespace AND a.grantee <> c.relowner"
    ).fetchall()
    assert set(sequences) == {(BACKUP, "SELECT")}


async def test_readings_of_an_accepted_baseline_are_not_the_applications_to_delete(env: ClientEnv) -> None:
    async with env.services.db.transaction(env.scope) as session:
        for state in ("accepted", "reading", "discarded"):
            keys = {"t": env.scope.tenant_id, "m": env.scope.msp_id, "b": new_id(), "state": state}
            await session.execute(
                text("INSERT INTO baseline (tenant_id, msp_id, id, state, started_at, started_by)"
                     " VALUES (:t, :m, :b, :state, now(), 'x')"), keys,
            )  # fmt: skip
            await session.execute(
                text("INSERT INTO baseline_item (tenant_id, msp_id, baseline_id, record_key, element)"
                     " VALUES (:t, :m, :b, 'SKU', 'price.list')"), keys,
            )  # fmt: skip
            gone = await session.execute(text("DELETE FROM baseline_item WHERE baseline_id = :b RETURNING 1"), keys)
            assert len(gone.all()) == (state != "accepted"), state


def test_the_fleet_reads_these_tables_and_no_others(owner: Owner) -> None:
    found = rights(owner, [FLEET])
    assert {table for _, table, _ in found} == {name for name, table in TABLES.items() if table.fleet}
    assert found[FLEET, "member", "SELECT"] == (
        "created_at email id last_seen_at msp_id name partner_id status tenant_id"
    )
    assert found[FLEET, "identity_provider", "SELECT"] == "mode msp_id name tenant_id"
    assert found[FLEET, "policy_rule", "SELECT"] == "act effect id msp_id obj overrides ptype sub tenant_id"
    assert found[FLEET, "policy_version", "SELECT"] == "created_at msp_id tenant_id version"
    assert found[FLEET, "held_observation", "SELECT"] == "element msp_id tenant_id"
    assert found[FLEET, "custom_element", "SELECT"] == (
        "code dimensions domain label msp_id retired_at tenant_id value_type"
    )
    assert found[FLEET, "baseline", "SELECT"] == "decided_at msp_id started_at state tenant_id"


def test_the_fleet_and_backups_only_read_and_the_fleet_sees_no_secret(owner: Owner) -> None:
    found = rights(owner, [FLEET, BACKUP])
    assert {verb for _, _, verb in found} == {"SELECT"}
    columns: dict[str, set[str]] = {}
    for table, column in owner.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
    ):
        columns.setdefault(table, set()).add(column)
    for (role, table, _), granted in found.items():
        if role == FLEET:
            seen = columns[table] if granted == WHOLE else set(granted.split())
            assert not seen & SECRET_COLUMNS, table
    tables = {
        name
        for (name,) in owner.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        )
    }
    assert {table for role, table, _ in found if role == BACKUP} == tables


def test_public_may_use_nothing_of_ours(owner: Owner) -> None:
    rows = owner.execute(
        """
        SELECT 'relation', c.relname::text FROM pg_class c, aclexplode(c.relacl) a
         WHERE a.grantee = 0 AND c.relnamespace IN ('public'::regnamespace, %(s)s::regnamespace)
        UNION ALL
        SELECT 'column', t.attrelid::regclass::text FROM pg_attribute t, aclexplode(t.attacl) a
         WHERE a.grantee = 0 AND t.attrelid::regclass::text NOT LIKE 'pg\\_%%'
        UNION ALL
        SELECT 'schema', n.nspname FROM pg_namespace n,
               aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
         WHERE a.grantee = 0 AND n.nspname IN ('public', %(s)s::text)
        UNION ALL
        SELECT 'function', p.oid::regprocedure::text FROM pg_proc p,
               aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
         WHERE a.grantee = 0 AND p.pronamespace = 'public'::regnamespace AND p.prorettype <> 'trigger'::regtype
        UNION ALL
        SELECT 'temporary', d.datname FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
         WHERE a.grantee = 0 AND d.datname = current_database() AND a.privilege_type = 'TEMPORARY'
        """,
        {"s": SCHEMA},
    )
    assert rows.fetchall() == []


def test_definer_functions_are_these_with_a_fixed_search_path(owner: Owner) -> None:
    rows = owner.execute(
        "SELECT p.oid::regprocedure::text, p.proconfig @> ARRAY['search_path=pg_catalog'],"
        " array_agg(pg_get_userbyid(a.grantee)::text) FILTER (WHERE a.grantee <> p.proowner)"
        " FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        " WHERE p.prosecdef AND p.pronamespace IN ('public'::regnamespace, %s::regnamespace) GROUP BY p.oid",
        (SCHEMA,),
    ).fetchall()
    assert all(fixed for _, fixed, _ in rows)
    assert {name: set(grantees) for name, _, grantees in rows} == DEFINERS


@pytest.mark.parametrize("role", OUR_ROLES)
def test_no_role_makes_objects(owner: Owner, role: str) -> None:
    found = owner.execute(
        "SELECT has_schema_privilege(%(r)s, 'public', 'CREATE'), has_schema_privilege(%(r)s, %(s)s, 'CREATE'),"
        " has_database_privilege(%(r)s, current_database(), 'CREATE'),"
        " has_database_privilege(%(r)s, current_database(), 'TEMPORARY'),"
        " (SELECT bool_or(has_parameter_privilege(%(r)s, name, 'SET')) FROM pg_settings WHERE context = 'superuser')",
        {"r": role, "s": SCHEMA},
    ).fetchone()
    assert found is not None
    assert not any(found)


FILES_AND_SIGNALS = (
    "pg_read_file('/etc/passwd')",
    "pg_read_binary_file('/etc/passwd')",
    "pg_ls_dir('/')",
    "pg_ls_logdir()",
    "pg_reload_conf()",
    "pg_rotate_logfile()",
    "lo_import('/etc/passwd')",
    "lo_from_bytea(0, 'x')",
    "lo_create(0)",
    "lo_creat(-1)",
)


@pytest.fixture(params=["app", "intake", "relay", "backup"])
def connection(request: pytest.FixtureRequest, urls: Urls) -> Iterator[Owner]:
    with psycopg.connect(getattr(urls, request.param), autocommit=True) as connected:
        yield connected


@pytest.mark.parametrize("call", FILES_AND_SIGNALS)
def test_no_role_reads_files_signals_the_server_or_stores_large_objects(
    connection: Owner, servers: Servers, call: str
) -> None:
    """Large objects are not covered by row-level security. Only a superuser can revoke them, so on other servers they
    stay.
    """
    if call.startswith("lo_") and not call.startswith("lo_import") and servers.embedded is None:
        return
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SELECT {call}".encode())


@pytest.mark.parametrize("statement", ["CREATE TEMP TABLE t (id int)", "CREATE TABLE t (id int)", "COPY t FROM '/x'"])
def test_no_role_makes_tables_not_even_temporary_ones(connection: Owner, statement: str) -> None:
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)):
        connection.execute(statement.encode())


class TestRelay:
    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO job (tenant_id, msp_id, lane, kind, key) VALUES (%(t)s, %(m)s, 'l', 'x', 'k')",
            "UPDATE timer SET due_at = now()",
            "UPDATE timer SET due_at = NULL WHERE due_at <= now()",
            "UPDATE lane_share SET repair_at = now()",
            "SELECT kind FROM timer",
            "SELECT name FROM timer",
            "SELECT kind FROM job",
            "DELETE FROM lane",
        ],
    )
    def test_the_relay_enqueues_and_arms_nothing_itself(self, env: ClientEnv, urls: Urls, statement: str) -> None:
        with psycopg.connect(urls.relay) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode(), {"t": env.scope.tenant_id, "m": env.scope.msp_id})

    @pytest.mark.parametrize("role", ["app", "intake"])
    def test_only_the_relay_calls_its_functions(self, urls: Urls, role: str) -> None:
        for function in ("timers_fire()", "repairs_fire()"):
            with (
                psycopg.connect(getattr(urls, role)) as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute(f"SELECT {function}".encode())

    def test_the_owner_sees_nothing_outside_of_them(self, env: ClientEnv, urls: Urls) -> None:
        with psycopg.connect(urls.owner) as connection:
            connection.execute("SELECT set_config('app.tenant_id', %s, true)", (str(env.scope.tenant_id),))
            for table in ("job", "timer", "lane_share"):
                assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,)


EVENT = """
    INSERT INTO source_event (tenant_id, msp_id, id, connection_id, dedupe_key, body_hash, body, content_type, via,
                              received_at, correlation)
    VALUES (%(t)s, %(m)s, %(id)s, %(c)s, 'k', 'h', 'b', 't', %(via)s, now(), '')
"""
KEY = """
    INSERT INTO source_event_key (tenant_id, msp_id, connection_id, dedupe_key, body_hash, event_id, via)
    VALUES (%(t)s, %(m)s, %(c)s, 'k', 'h', %(id)s, %(via)s)
"""
JOB = """
    INSERT INTO job (tenant_id, msp_id, lane, kind, key, ref, payload)
    VALUES (%(t)s, %(m)s, %(lane)s, %(kind)s, %(c)s::text, %(id)s, %(payload)s)
"""


class TestIntake:
    def given(self, env: ClientEnv, other: ClientEnv) -> dict[str, dict[str, object]]:
        own = {
            "t": env.scope.tenant_id, "m": env.scope.msp_id, "c": env.erp, "id": new_id(), "via": "webhook",
            "lane": f"ingest/{env.erp}", "kind": "governance.ingest_events", "payload": None,
        }  # fmt: skip
        stranger = other.erp
        return {
            "own": own,
            "a connection of another client": own | {"c": stranger, "lane": f"ingest/{stranger}"},
            "another client with this connection": own | {"t": other.scope.tenant_id, "m": other.scope.msp_id},
            "another MSP": own | {"m": other.scope.msp_id},
            "no connection at all": own | {"c": (nobody := new_id()), "lane": f"ingest/{nobody}"},
        }

    @pytest.mark.parametrize("statement", [EVENT, KEY, JOB])
    def test_foreign_keys_include_the_tenant(
        self, env: ClientEnv, other_env: ClientEnv, urls: Urls, statement: str
    ) -> None:
        for name, binds in self.given(env, other_env).items():
            with psycopg.connect(urls.intake) as connection:
                if name == "own":
                    connection.execute(statement.encode(), binds)
                    continue
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.encode(), binds)

    @pytest.mark.parametrize(
        ("statement", "changed"),
        [
            (JOB, {"kind": "billing.rate_usage"}),
            (JOB, {"lane": "push/x"}),
            (JOB, {"id": None}),
            (JOB, {"payload": '{"anything": 1}'}),
            (EVENT, {"via": "poll"}),
            (KEY, {"via": "poll"}),
        ],
    )
    def test_it_enqueues_ingest_jobs_of_webhooks_only(
        self, env: ClientEnv, other_env: ClientEnv, urls: Urls, statement: str, changed: dict[str, object]
    ) -> None:
        with psycopg.connect(urls.intake) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode(), self.given(env, other_env)["own"] | changed)

    def test_it_reads_signing_secrets_and_no_others(self, env: ClientEnv, urls: Urls) -> None:
        with psycopg.connect(urls.intake) as connection:
            rows = connection.execute(
                "SELECT DISTINCT name FROM connection_secret WHERE tenant_id = %s", (env.scope.tenant_id,)
            ).fetchall()
        assert rows == [("webhook_secret",)]


MADE = """
    CREATE TABLE came_later (tenant_id uuid); CREATE SEQUENCE came_later_seq; CREATE VIEW came_later_view AS
    SELECT * FROM audit_entry;
    CREATE FUNCTION came_later() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM audit_entry';
    CREATE TABLE {schema}.came_later (tenant_id uuid);
    CREATE FUNCTION {schema}.came_later() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'
"""
REACHED = (
    "SELECT 1 FROM public.came_later",
    "INSERT INTO public.came_later VALUES (NULL)",
    "SELECT nextval('public.came_later_seq')",
    "SELECT 1 FROM public.came_later_view",
    "SELECT public.came_later()",
    f"SELECT 1 FROM {SCHEMA}.came_later",
    f"SELECT {SCHEMA}.came_later()",
)


def refused(connection: Owner) -> list[str]:
    """The rights in REACHED that the current role lacks."""
    found = []
    for statement in REACHED:
        try:
            with connection.transaction():
                connection.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege:
            found.append(statement)
    return found


@pytest.mark.parametrize("role", [*OUR_ROLES, "public"])
def test_new_objects_have_no_grants_until_a_migration(owner: Owner, servers: Servers, role: str) -> None:
    """Tables, sequences, views, functions: none is accessible without an explicit grant."""
    user = owner.execute("SELECT current_user").fetchall()[0][0]
    name = new_id().hex
    with psycopg.connect(urlsplit(servers.admin_url)._replace(path=f"/{owner.info.dbname}").geturl()) as admin:
        admin.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(user)))
        admin.execute(MADE.format(schema=SCHEMA).encode())
        admin.execute("RESET ROLE")
        if role == "public":
            admin.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
        admin.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(name if role == "public" else role)))
        assert refused(admin) == list(REACHED)
        admin.rollback()


def test_foreign_default_privileges_are_revoked(urls: Urls) -> None:
    with psycopg.connect(urls.owner) as owner:
        for what in ("ALL ON TABLES TO PUBLIC", f"SELECT ON TABLES TO {APP}", f"EXECUTE ON FUNCTIONS TO {INTAKE}"):
            owner.execute(f"ALTER DEFAULT PRIVILEGES GRANT {what}".encode())
            owner.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {what}".encode())
        finish_access(owner, "a revision")
        left = owner.execute(
            "SELECT a.grantee::regrole FROM pg_default_acl d, aclexplode(d.defaclacl) a WHERE a.grantee <> d.defaclrole"
        ).fetchall()
        owner.rollback()
    assert left == []


def test_roles_enter_no_other_role_but_as_declared(owner: Owner) -> None:
    """The application may switch to the fleet's role, the owner to the backup's; no role is a member of one of the
    server's.
    """
    user = owner.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()")
    found = owner.execute(
        "SELECT pg_get_userbyid(m.member)::text, pg_get_userbyid(m.roleid)::text, m.inherit_option, m.admin_option"
        " FROM pg_auth_members m WHERE pg_get_userbyid(m.member) = ANY (%(r)s)"
        " OR pg_get_userbyid(m.roleid) = ANY (%(r)s)",
        {"r": list(OUR_ROLES)},
    ).fetchall()
    ours = {row for row in found if row[0] in OUR_ROLES}
    assert ours == {(APP, FLEET, False, False), (PURGE, APP, True, False)}
    assert {row[1:] for row in found if row[0] not in OUR_ROLES} == {(BACKUP, False, False), (PURGE, False, False)}
    owner_name = user.fetchall()[0][0]
    assert {(owner_name, BACKUP), (owner_name, PURGE)} <= {row[:2] for row in found}


def test_no_extension_reaches_out_and_no_language_is_untrusted(owner: Owner) -> None:
    extensions = owner.execute("SELECT extname FROM pg_extension").fetchall()
    assert {name for (name,) in extensions} <= {"plpgsql"}
    trusted = owner.execute(
        "SELECT lanname FROM pg_language WHERE NOT lanpltrusted AND lanname NOT IN ('internal', 'c')"
    )
    assert trusted.fetchall() == []


@pytest.mark.parametrize(
    "statement",
    [
        f"SET ROLE {PURGE}",
        "SET ROLE pg_read_all_data",
        "SET SESSION AUTHORIZATION postgres",
        "COPY audit_entry TO PROGRAM 'cat'",
        "COPY audit_entry FROM PROGRAM 'cat'",
        "COPY audit_entry TO '/tmp/x'",
        "CREATE SCHEMA x",
        "CREATE FUNCTION x() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "ALTER TABLE audit_entry NO FORCE ROW LEVEL SECURITY",
        "CREATE POLICY x ON audit_entry USING (true)",
        "SET session_replication_role = replica",
        "TRUNCATE audit_entry",
        "BEGIN; LOCK TABLE audit_entry IN ACCESS EXCLUSIVE MODE",
        "DO $$ BEGIN PERFORM set_config('session_replication_role', 'replica', true); END $$",
        "SELECT fairlead_partitions.shorten_chain(NULL, NULL, 1, now(), now(), NULL, NULL)",
        "SELECT pg_create_logical_replication_slot('x', 'pgoutput')",
        "ALTER ROLE fairlead_app BYPASSRLS",
        "ALTER DEFAULT PRIVILEGES FOR ROLE fairlead_fleet GRANT ALL ON TABLES TO PUBLIC",
        "COMMENT ON TABLE audit_entry IS 'x'",
        "CREATE TRIGGER x BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_entry_kept()",
        "SECURITY LABEL ON TABLE audit_entry IS 'x'",
    ],
)
def test_no_role_becomes_more_than_it_is(connection: Owner, statement: str) -> None:
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)) as refusal:
        connection.execute(statement.encode())
    assert isinstance(refusal.value, psycopg.errors.InsufficientPrivilege) or "SECURITY LABEL" in statement


def test_no_runtime_role_reads_as_backups_do(urls: Urls) -> None:
    for url in (urls.app, urls.intake, urls.relay):
        with psycopg.connect(url) as connected, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connected.execute(f"SET ROLE {BACKUP}".encode())


def test_no_role_sees_the_statements_of_another(connection: Owner, owner: Owner) -> None:
    """The server hides statements of other roles' sessions."""
    seen = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE usename <> current_user AND query <> '<insufficient privilege>'"
        " AND backend_type = 'client backend'"
    ).fetchone()
    assert seen == (0,)
