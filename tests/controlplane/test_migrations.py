"""Migrations: from empty, down and up again, equal to the models, once at a time, never behind a long lock."""

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from controlplane.migrate import (
    MigrationRefused,
    alembic_config,
    current_revision,
    latest_revision,
    migrate_schema,
)
from controlplane.tables import metadata
from foundation.ids import new_id
from foundation.settings import with_role
from tests.conftest import Urls, make_scope
from tests.isolation.rows import enter
from tests.support.databases import another_database
from tests.support.servers import Servers


@pytest.fixture
def empty(servers: Servers, urls: Urls) -> Iterator[str]:
    """The owner's URL of a database with nothing in it. The roles exist: `urls` made them."""
    with another_database(servers.admin_url, urls) as there:
        yield there.owner


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return {name for (name,) in rows}


def go_back(url: str, revision: str) -> None:
    """No command does this."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    with engine.connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
    engine.dispose()


def test_an_empty_database_gets_every_table_and_a_second_run_changes_nothing(empty: str) -> None:
    assert migrate_schema(empty) == current_revision(empty) == latest_revision()
    first = tables(empty)
    assert migrate_schema(empty) == latest_revision()
    assert tables(empty) == first


def test_r15_every_step_can_be_taken_forward_alone(empty: str) -> None:
    steps = [script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()]
    for revision in reversed(steps):
        assert migrate_schema(empty, revision) == current_revision(empty) == revision


@pytest.mark.parametrize(
    ("revision", "sentence"),
    [("0003", "is older. Going back would lose data"), ("base", "no revision base"), ("-1", "no revision -1")],
)
def test_r15_the_schema_never_goes_back(empty: str, revision: str, sentence: str) -> None:
    migrate_schema(empty, "0005")
    with pytest.raises(MigrationRefused, match=sentence):
        migrate_schema(empty, revision)
    assert current_revision(empty) == "0005"


def test_r6_a_schema_of_a_newer_version_is_refused_in_a_sentence(empty: str) -> None:
    migrate_schema(empty, "0001")
    with psycopg.connect(empty) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'of-a-later-day'")
    with pytest.raises(MigrationRefused, match="of-a-later-day, which this version of Fairlead does not know"):
        migrate_schema(empty)


def policies(url: str) -> set[tuple[str, ...]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT tablename, policyname, coalesce(qual, with_check) FROM pg_policies"
        ).fetchall()
        return set(rows)


def test_policies_of_older_databases_become_those_of_new_ones(empty: str) -> None:
    """Which tables there are, and whom each is open to, is read from the policies that stand."""
    migrate_schema(empty, "0018")
    new = policies(empty)
    go_back(empty, "0017")
    old = policies(empty)
    assert {row[:2] for row in old} == {row[:2] for row in new}
    assert len(old - new) > 150
    migrate_schema(empty, "0018")
    assert policies(empty) == new


def test_r16_rows_of_before_are_in_partitions_and_known_again(empty: str, urls: Urls) -> None:
    """Also those whose ids are no UUIDv7."""
    scope, ids = make_scope(), [new_id(), uuid4()]
    step = next(s for s in ScriptDirectory.from_config(alembic_config()).walk_revisions() if "partitions" in s.path)
    migrate_schema(empty, str(step.down_revision))
    with psycopg.connect(urlsplit(urls.app)._replace(path=urlsplit(empty).path).geturl()) as connection:
        enter(connection, scope)
        for number, one in enumerate(ids):
            connection.execute(
                "INSERT INTO source_event VALUES (%s, %s, %s, %s, %s, 'h', 'b', 't', 'poll', now(), '')",
                (scope.tenant_id, scope.msp_id, one, scope.tenant_id, f"key-{number}"),
            )
        connection.commit()
        migrate_schema(empty)
        enter(connection, scope)
        rows = connection.execute(
            "SELECT e.id, e.tableoid::regclass::text ~ 'source_event_(initial|default)$' FROM source_event e"
            " JOIN source_event_key k ON k.event_id = e.id AND k.dedupe_key = e.dedupe_key AND k.via = e.via"
        ).fetchall()
        assert dict(rows) == dict.fromkeys(ids, True)


def test_a14_addresses_of_before_get_the_form_in_which_they_are_compared(empty: str, urls: Urls) -> None:
    """Where two of one account become the same, both stay as they are."""
    scope = make_scope()
    step = next(s for s in ScriptDirectory.from_config(alembic_config()).walk_revisions() if "email_form" in s.path)
    migrate_schema(empty, str(step.down_revision))
    kept = ["zoe\u0308@example.com", "a@xn--mller-kva.example", "strasse@x.example", "straße@x.example", "o@x.example"]
    with psycopg.connect(urlsplit(urls.app)._replace(path=urlsplit(empty).path).geturl()) as connection:
        enter(connection, scope)
        for email in kept:
            connection.execute(
                "INSERT INTO person (tenant_id, msp_id, id, email, name, status, created_at)"
                " VALUES (%s, %s, %s, %s, 'Zoe', 'active', now())",
                (scope.tenant_id, scope.msp_id, new_id(), email),
            )
        connection.commit()
        migrate_schema(empty)
        enter(connection, scope)
        found = {email for (email,) in connection.execute("SELECT email FROM person")}
    assert found == {"zoë@example.com", "a@müller.example", "strasse@x.example", "straße@x.example", "o@x.example"}


def test_v3_keys_of_before_get_their_makers_from_the_audit_chain(empty: str, urls: Urls) -> None:
    """Else they would outlive their makers' rights. The operator's keep none."""
    scope, person, made, by_key, operators = make_scope(), new_id(), new_id(), new_id(), new_id()
    migrate_schema(empty, "0022")
    with psycopg.connect(urlsplit(urls.app)._replace(path=urlsplit(empty).path).geturl()) as connection:
        enter(connection, scope)
        makers = ((made, "person", person), (by_key, "machine", made), (operators, "system", "operator"))
        for number, (key, kind, by) in enumerate(makers, start=1):
            connection.execute(
                "INSERT INTO api_key (tenant_id, msp_id, id, name, secret_hash, role, created_at, created_by)"
                " VALUES (%s, %s, %s, 'Tool', '', 'machine', now(), 'Ada')",
                (scope.tenant_id, scope.msp_id, key),
            )
            connection.execute(
                "INSERT INTO audit_entry VALUES (%s, %s, %s, now(), 'api_key.created', %s, %s, '')",
                (
                    scope.tenant_id, scope.msp_id, number, f"api_key:{key}",
                    json.dumps({"actor": {"kind": kind, "id": str(by), "name": "Ada"}}),
                ),
            )  # fmt: skip
        connection.commit()
        migrate_schema(empty)
        enter(connection, scope)
        found: dict[Any, Any] = dict(connection.execute("SELECT id, maker_id FROM api_key").fetchall())
    assert found == {made: person, by_key: person, operators: None}


def test_the_models_say_what_the_migrations_made(empty: str) -> None:
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
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert current_revision(empty) == latest_revision()


def test_a_long_lock_makes_it_fail_instead_of_queueing(empty: str) -> None:
    migrate_schema(empty, "0017")  # the next one touches every table
    with psycopg.connect(empty) as blocker:
        blocker.execute("LOCK TABLE work IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Exception, match="lock timeout"):
            migrate_schema(empty)
    # Each migration is a transaction of its own: it stopped where something stood in the way, and goes on from there.
    assert current_revision(empty) == "0017"
    migrate_schema(empty)
    assert current_revision(empty) == latest_revision()


def test_roles_of_the_url_are_replaced_not_added() -> None:
    assert with_role("postgresql://a:b@h/db?x=1", "c", "d/e") == "postgresql://c:d%2Fe@h/db?x=1"
