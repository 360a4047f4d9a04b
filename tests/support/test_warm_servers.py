"""Warm servers: a run has its own databases, and uses only running servers with the right schema."""

import gc
import secrets
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import psycopg
import pytest
import redis

from tests.support import warm_host, warm_servers
from tests.support.schema_template import current_fingerprint
from tests.support.servers import Servers
from tests.support.warm_servers import Address, address_file, host_lock, run_lock, try_lock, warm_database

ADDRESS = Address("", "postgresql://unused", "postgresql://owner@/{database}?host=unused", "unused")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for number in range(1, warm_servers.MOST_RUNS + 1):
        run_lock(tmp_path, number).touch()
    return tmp_path


def write_address(home: Path, *, fingerprint: str) -> bytes:
    written = msgspec.json.encode(msgspec.structs.replace(ADDRESS, fingerprint=fingerprint))
    address_file(home).write_bytes(written)
    return written


class TestDatabases:
    """Databases on this run's own server. Their names differ from those of warm servers, in case it is one."""

    @pytest.fixture
    def connection(self, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection[tuple[str]]]:
        self.ready, self.taken = (f"t{secrets.token_hex(4)}{kind}_" for kind in ("ready", "taken"))
        for module in (warm_host, warm_servers):
            monkeypatch.setattr(module, "READY", self.ready)
            monkeypatch.setattr(module, "TAKEN", self.taken)
        monkeypatch.setattr(warm_host, "DATABASE", "template1")
        with psycopg.connect(servers.admin_url, autocommit=True) as connection:
            yield connection
            monkeypatch.setattr(warm_host, "READY_DATABASES", 0)
            for name in self.names(connection):
                connection.execute(f"DROP DATABASE {name}".encode())

    def names(self, connection: psycopg.Connection[tuple[str]]) -> list[str]:
        found = connection.execute("SELECT datname FROM pg_database").fetchall()
        return sorted(name for (name,) in found if name.startswith((self.ready, self.taken)))

    def test_each_run_takes_another_and_keeps_it_until_it_ends(
        self, servers: Servers, home: Path, connection: psycopg.Connection[tuple[str]]
    ) -> None:
        warm_host.maintain(connection, home)
        first, second = (warm_servers._take_database(servers.admin_url, number) for number in (1, 2))
        assert first is not None
        assert first.startswith(f"{self.taken}1_")
        assert sorted([first, str(second)]) == self.names(connection)
        assert warm_servers._take_database(servers.admin_url, 3) is None
        with run_lock(home, 1).open("a") as lock:
            assert try_lock(lock)
            warm_host.maintain(connection, home)
            assert [name for name in self.names(connection) if name.startswith(self.taken)] == [first]
        warm_host.maintain(connection, home)
        assert [name.startswith(self.ready) for name in self.names(connection)] == [True, True]

    def test_a_ready_database_has_the_rights_of_a_migrated_one(
        self, home: Path, connection: psycopg.Connection[tuple[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(warm_host, "READY_DATABASES", 1)
        warm_host.maintain(connection, home)
        (name,) = self.names(connection)
        asked = connection.execute("SELECT has_database_privilege('fairlead_app', %s, 'TEMPORARY')::text", (name,))
        assert asked.fetchone() == ("false",)

    def test_a_run_empties_its_number_of_valkey_and_no_other(self, servers: Servers) -> None:
        path = urlsplit(servers.redis_url).path
        numbers = [redis.Redis.from_url(f"unix://{path}?db={n}") for n in (14, 15)]
        for each in numbers:
            each.set("left over", "1")
        warm_servers._empty_valkey(path, 14)
        assert [each.get("left over") for each in numbers] == [None, b"1"]
        for each in numbers:
            each.flushdb()
            each.close()


class TestWhichServersFit:
    @pytest.fixture(autouse=True)
    def started(self, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
        started: list[Path] = []
        monkeypatch.setattr(warm_servers, "start_host", started.append)
        monkeypatch.setattr(warm_servers, "_take_database", lambda _url, number: f"taken_{number}")
        monkeypatch.setattr(warm_servers, "_empty_valkey", lambda *_: None)
        return started

    def test_runs_at_the_same_time_have_databases_of_their_own(self, home: Path) -> None:
        write_address(home, fingerprint=current_fingerprint())
        with host_lock(home).open("a") as lock:
            assert try_lock(lock)
            with warm_database({}, home) as first, warm_database({}, home) as second:
                assert first is not None
                assert second is not None
                assert first.owner_url == "postgresql://owner@/taken_1?host=unused"
                assert first.redis_url == "unix://unused?db=1"
                assert second.redis_url == "unix://unused?db=2"
            with warm_database({}, home) as third:
                assert third == first

    @pytest.mark.parametrize("name", warm_servers.NOT_USED_WITH)
    def test_some_runs_start_their_own(self, home: Path, name: str) -> None:
        write_address(home, fingerprint=current_fingerprint())
        with host_lock(home).open("a") as lock:
            assert try_lock(lock)
            with warm_database({name: "1"}, home) as found:
                assert found is None

    def test_servers_that_ended_are_not_used(self, home: Path, started: list[Path]) -> None:
        write_address(home, fingerprint=current_fingerprint())
        with warm_database({}, home) as found:
            assert found is None
        assert started == []

    def test_after_a_migration_changed_others_are_started(self, home: Path, started: list[Path]) -> None:
        write_address(home, fingerprint="of another schema")
        with host_lock(home).open("a") as lock:
            assert try_lock(lock)
            with warm_database({}, home) as found:
                assert found is None
        assert started == [home]


def test_the_servers_end_when_they_are_idle_or_replaced(home: Path) -> None:
    written = write_address(home, fingerprint="a")
    now = address_file(home).stat().st_mtime
    assert warm_host.is_needed(home, written, now)
    later = now + warm_host.IDLE_SECONDS + 1
    assert not warm_host.is_needed(home, written, later)
    with run_lock(home, 2).open("a") as lock:
        assert try_lock(lock)
        assert warm_host.is_needed(home, written, later)
    write_address(home, fingerprint="b")
    with run_lock(home, 2).open("a") as lock:
        assert try_lock(lock)
        assert warm_host.is_needed(home, written, now)
    assert not warm_host.is_needed(home, written, now)
    address_file(home).unlink()
    assert not warm_host.is_needed(home, written, now)


def test_a_process_that_outlives_the_run_causes_no_warning(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_servers, "SERVE", ("sleep", "5"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warm_servers.start_host(home)
        gc.collect()
    assert caught == []
