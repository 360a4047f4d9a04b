"""No process takes jobs, or reports ready, on a schema of another version."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec
import pytest
from alembic.script import ScriptDirectory
from prometheus_client import CollectorRegistry

from controlplane.app import readiness
from controlplane.migrate import alembic_config, latest_revision, migrate_schema
from controlplane.preflight import check_revision, wait_for_schema
from controlplane.services import Services, build_services
from foundation.database.roles import APP, INTAKE, RELAY
from foundation.heartbeat import Heartbeat, Readiness, serve_metrics
from foundation.settings import SettingsInvalid
from tests.conftest import Urls
from tests.support.databases import another_database
from tests.support.servers import Servers

FIRST = ScriptDirectory.from_config(alembic_config()).get_base() or ""


@pytest.fixture
def elsewhere(servers: Servers, urls: Urls) -> Iterator[Urls]:
    """An empty database of the same server, as each role reaches it."""
    with another_database(servers.admin_url, urls) as there:
        yield there


async def test_web_is_ready_on_its_own_schema_only(services: Services, elsewhere: Urls) -> None:
    assert await readiness(services) == {"database": "ok", "schema": "ok"}
    there = build_services(msgspec.structs.replace(services.settings, app_url=elsewhere.app), pool_size=1)
    try:
        assert "empty" in (await readiness(there))["schema"]
        migrate_schema(elsewhere.owner, FIRST)
        assert "Run `fairlead migrate`" in (await readiness(there))["schema"]
        migrate_schema(elsewhere.owner)
        assert (await readiness(there))["schema"] == "ok"
    finally:
        await there.close()


@pytest.mark.parametrize("role", [APP, INTAKE, RELAY])
def test_each_role_sees_the_revision_and_waits_for_it(elsewhere: Urls, role: str) -> None:
    url, problems, migrated = getattr(elsewhere, role.removeprefix("fairlead_")), [], threading.Event()

    def on_problem(problem: str) -> None:
        problems.append(problem)
        if problem and not migrated.is_set():
            migrate_schema(elsewhere.owner)
            migrated.set()

    assert wait_for_schema(url, threading.Event(), tick=lambda: None, on_problem=on_problem)
    assert ("schema is empty" in problems[0], problems[-1]) == (True, "")


def test_waiting_ends_on_a_stop_signal(elsewhere: Urls) -> None:
    stop = threading.Event()
    assert not wait_for_schema(elsewhere.relay, stop, tick=lambda: None, on_problem=lambda _: stop.set())


def test_a_database_that_does_not_exist_is_not_awaited(elsewhere: Urls) -> None:
    url = urlsplit(elsewhere.app)._replace(path="/no-such-database").geturl()
    with pytest.raises(SettingsInvalid, match="does not exist"):
        wait_for_schema(url, threading.Event(), tick=lambda: None, on_problem=lambda _: None)


def test_a_newer_schema_is_accepted_during_an_upgrade() -> None:
    assert check_revision(latest_revision()) == check_revision("of-a-later-day") == ""
    assert f"at revision {FIRST}" in check_revision(FIRST)


def test_workers_and_relays_report_readiness_over_http() -> None:
    readiness = Readiness()
    port = serve_metrics(0, CollectorRegistry(), Heartbeat(), readiness)

    def status() -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            return error.code

    assert status() == 503
    readiness.set("")
    assert status() == 200
