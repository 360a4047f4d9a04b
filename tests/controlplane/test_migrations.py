"""Migrations: from an empty database, step by step, no downgrade, equal to the models, serialized, lock timeouts."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import create_engine

from controlplane import migrate
from controlplane.migrate import (
    MigrationRefused,
    alembic_config,
    current_revision,
    latest_revision,
    migrate_schema,
)
from controlplane.stored_functions import replace_functions
from foundation.database.partitions import SCHEMA
from foundation.settings import with_role
from tests.conftest import Urls
from tests.support.databases import another_database
from tests.support.owned_tables import metadata
from tests.support.servers import Servers

SCRIPTS = list(ScriptDirectory.from_config(alembic_config()).walk_revisions())[::-1]
STEPS = [script.revision for script in SCRIPTS]
"""Revisions, the oldest first."""


@pytest.fixture
def empty(servers: Servers, urls: Urls) -> Iterator[str]:
    """The owner's URL of an empty database. The roles exist: `urls` created them."""
    with another_database(servers.admin_url, urls) as there:
        yield there.owner


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return {name for (name,) in rows}


def test_an_empty_database_gets_every_table_and_a_second_run_changes_nothing(empty: str) -> None:
    assert migrate_schema(empty) == current_revision(empty) == latest_revision()
    first = tables(empty)
    assert migrate_schema(empty) == latest_revision()
    assert tables(empty) == first


@pytest.mark.parametrize("script", SCRIPTS, ids=STEPS)
def test_a_migration_that_changes_rows_of_tenants_sees_them(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner of the tables is no superuser: while row-level security is forced on it, it changes no row."""
    recorder = MagicMock()
    monkeypatch.setattr(script.module, "op", recorder)
    script.module.upgrade()
    statements = "\n".join(str(call.args[0]) for call in recorder.execute.call_args_list)
    for found in re.finditer(r"\b(?:UPDATE|DELETE FROM) (\w+)(?: (?!FROM)\w+)? (?:SET|WHERE|USING)\b", statements):
        table = metadata.tables.get(found[1])
        if table is not None and "tenant_id" in table.columns:
            unforced = f"ALTER TABLE {found[1]} NO FORCE ROW LEVEL SECURITY"
            assert unforced in statements[: found.start()], f"{found[0]}: no row is visible to the owner"


def test_every_migration_can_be_applied_alone(empty: str) -> None:
    for revision in STEPS:
        assert migrate_schema(empty, revision) == current_revision(empty) == revision


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.revision)
def test_rows_of_all_tenants_are_changed(script: Any) -> None:
    """Forced row-level security hides every tenant's rows from the owner too: an UPDATE would silently change none."""
    upgrade = Path(script.path).read_text().partition("def downgrade")[0]
    changed = set(re.findall(r"^\W*UPDATE ([a-z_]+)(?: [a-z])?\s+SET ", upgrade, re.MULTILINE))
    assert not changed or "NO FORCE ROW LEVEL SECURITY" in upgrade, changed


def test_steps_are_named_by_their_time_and_follow_it() -> None:
    """Otherwise two branches would use the same number."""
    names = [Path(script.path).name for script in SCRIPTS]
    assert [name for name in names if re.fullmatch(r"\d{12}_[a-z_]+\.py", name) is None] == []
    assert [name[:12] for name in names] == STEPS == sorted(STEPS)


@pytest.mark.parametrize("revision", [script.revision for script in SCRIPTS if script.path.endswith("_base.py")])
def test_a_base_migration_cannot_be_reverted(empty: str, revision: str) -> None:
    """The product has no downgrade; alembic's own command, which could, changes nothing."""
    migrate_schema(empty, revision)
    before = tables(empty)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(empty))
    with engine.connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        with pytest.raises(NotImplementedError, match="cannot be taken back"):
            command.downgrade(config, "base")
    engine.dispose()
    assert (current_revision(empty), tables(empty)) == (revision, before)


def stored_functions(url: str) -> dict[str, tuple[str, str]]:
    """Definition and rights, by schema and name."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT n.nspname || '.' || p.proname, pg_get_functiondef(p.oid), p.proacl::text FROM pg_proc p"
            " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY (%s)",
            (["public", SCHEMA],),
        ).fetchall()
        return {name: (definition, rights) for name, definition, rights in rows}


def test_every_stored_function_matches_its_file(empty: str) -> None:
    """No function is created elsewhere, and applying the files again changes neither a function nor its rights."""
    migrate_schema(empty)
    first = stored_functions(empty)
    files = sorted((Path(migrate.__file__).parent / "migrations" / "functions").glob("*.sql"))
    named = [
        name if "." in name else f"public.{name}"
        for file in files
        for name in re.findall(r"^CREATE OR REPLACE FUNCTION ([\w.]+)", file.read_text(), re.MULTILINE)
    ]
    assert sorted(named) == sorted(first)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(empty))
    with engine.begin() as connection:
        for file in files:
            replace_functions(connection, file.stem)
    engine.dispose()
    assert stored_functions(empty) == first


@pytest.mark.parametrize(
    ("revision", "sentence"),
    [(STEPS[2], "is older. Going back would lose data"), ("base", "no revision base"), ("-1", "no revision -1")],
)
def test_the_schema_never_goes_back(empty: str, revision: str, sentence: str) -> None:
    migrate_schema(empty, STEPS[4])
    with pytest.raises(MigrationRefused, match=sentence):
        migrate_schema(empty, revision)
    assert current_revision(empty) == STEPS[4]


def test_a_schema_of_a_newer_version_is_refused_in_a_sentence(empty: str) -> None:
    migrate_schema(empty, STEPS[0])
    with psycopg.connect(empty) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'of-a-later-day'")
    with pytest.raises(MigrationRefused, match="of-a-later-day, which this version of Fairlead does not know"):
        migrate_schema(empty)


def test_the_models_match_the_migrated_schema(empty: str) -> None:
    migrate_schema(empty)
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(empty))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences: list[Any] = compare_metadata(context, metadata)
    engine.dispose()
    assert differences == []


def test_two_at_once_migrate_once(empty: str) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            migrate_schema(empty)
        except BaseException as error:  # noqa: BLE001 - reported below
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert current_revision(empty) == latest_revision()


def test_a_long_lock_makes_it_fail_instead_of_queueing(empty: str) -> None:
    before = next(script.down_revision for script in SCRIPTS if "connectors_base" in script.path)
    assert isinstance(before, str)
    migrate_schema(empty, before)  # the next one lets intake store jobs, whose table is still `work`
    with psycopg.connect(empty) as blocker:
        blocker.execute("LOCK TABLE work IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Exception, match="lock timeout"):
            migrate_schema(empty)
    # Each migration is a transaction of its own: an interrupted upgrade continues with the one that failed.
    assert current_revision(empty) == before
    migrate_schema(empty)
    assert current_revision(empty) == latest_revision()


def test_roles_of_the_url_are_replaced_not_added() -> None:
    assert with_role("postgresql://a:b@h/db?x=1", "c", "d/e") == "postgresql://c:d%2Fe@h/db?x=1"


def test_earlier_sentences_are_stored_as_parameters(empty: str) -> None:
    migrate_schema(empty, "202611290948")
    with psycopg.connect(empty) as connection:
        connection.execute("ALTER TABLE governance_exception NO FORCE ROW LEVEL SECURITY")
        connection.execute("""
            INSERT INTO governance_exception (tenant_id, msp_id, id, code, subject, title, detail, severity, breakdown,
                                              state, opened_at, seen_at, correction_due_at, correlation)
            SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'c', s, 'Title "' || s, 'Detail ' || s, 1,
                   CAST(b AS jsonb), 'open', now(), now(), now(), ''
              FROM (VALUES ('a', '{"formula": "f", "parts": [{"name": "revenue", "points": 3, "why": "Why."}]}'),
                           ('b', '{}')) AS v (s, b)
        """)
        connection.execute("ALTER TABLE governance_exception FORCE ROW LEVEL SECURITY")
    migrate_schema(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("ALTER TABLE governance_exception NO FORCE ROW LEVEL SECURITY")
        rows = connection.execute(
            "SELECT message, params, severity_factors FROM governance_exception ORDER BY subject"
        ).fetchall()
    factor = {"name": "revenue", "points": 3, "code": "legacy", "params": {"text": "Why."}}
    assert rows == [
        ("legacy", {"title": 'Title "a', "text": "Detail a"}, {"formula": "f", "factors": [factor]}),
        ("legacy", {"title": 'Title "b', "text": "Detail b"}, {"formula": "", "factors": []}),
    ]


def test_a_members_reason_stays_and_that_of_a_withdrawal_becomes_its_cause(empty: str) -> None:
    migrate_schema(empty, "202611291140")
    with psycopg.connect(empty) as connection:
        connection.execute("ALTER TABLE approval NO FORCE ROW LEVEL SECURITY")
        connection.execute("""
            INSERT INTO approval (tenant_id, msp_id, id, subject_kind, subject_id, content_hash, policy_version,
                                  requested_by, author, state, reason, expires_at, created_at)
            SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'change', gen_random_uuid(),
                   decode(repeat('00', 32), 'hex'), 1, 'a', 'a', state, reason, now(), now()
              FROM (VALUES ('refused', 'Too steep'), ('withdrawn', 'Newer.'), ('pending', '')) AS v (state, reason)
        """)
        connection.execute("ALTER TABLE approval FORCE ROW LEVEL SECURITY")
    migrate_schema(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("ALTER TABLE approval NO FORCE ROW LEVEL SECURITY")
        rows = connection.execute("SELECT state, reason, cause FROM approval ORDER BY state").fetchall()
    assert rows == [
        ("pending", "", None),
        ("refused", "Too steep", None),
        ("withdrawn", "", {"code": "legacy", "params": {"text": "Newer."}}),
    ]
