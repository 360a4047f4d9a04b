"""The embedded servers with their owner, a second process, and crashes. Real servers, real signals."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from sqlalchemy import create_engine, text

from controlplane.embedded import os_user
from controlplane.embedded.errors import EmbeddedServerFailed
from controlplane.embedded.os_user import open_search
from controlplane.embedded.paths import LONGEST_SOCKET_PATH, embedded_paths
from controlplane.embedded.processes import processes_in
from controlplane.embedded.servers import EmbeddedServers

OWNER = """
import sys, time
from pathlib import Path
from controlplane.embedded.servers import EmbeddedServers
servers = EmbeddedServers(Path(sys.argv[1]), durable=False)
servers.start()
print("owner" if servers.is_owner else "attached", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def prepared() -> Iterator[Path]:
    """A data folder after its first orderly stop; tests copy it instead of creating one."""
    with tempfile.TemporaryDirectory(prefix="fairlead-servers-") as folder:
        root = Path(folder) / "var"
        with EmbeddedServers(root, durable=False):
            pass
        yield root


@pytest.fixture
def root(prepared: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fairlead-servers-") as folder:
        root = Path(folder) / "var"
        shutil.copytree(prepared / "postgres", root / "postgres")
        yield root


@pytest.fixture
def servers(root: Path) -> Iterator[EmbeddedServers]:
    with EmbeddedServers(root, durable=False) as running:
        yield running


@contextlib.contextmanager
def owner_process(root: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", OWNER, str(root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "owner"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        until(lambda: not server_processes(root))


def server_processes(root: Path) -> list[int]:
    paths = embedded_paths(root)
    return processes_in(paths.postgres_data, "postgres") + processes_in(paths.valkey_data, "valkey-server")


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


def run_sql(servers: EmbeddedServers, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(servers.database_url(), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def valkey(servers: EmbeddedServers) -> contextlib.closing[redis.Redis]:
    return contextlib.closing(redis.Redis.from_url(servers.redis_url))


class TestAddresses:
    def test_both_answer_at_their_urls_and_no_tcp_port_is_open(self, servers: EmbeddedServers) -> None:
        assert run_sql(servers, "select current_setting('listen_addresses'), version()")[0][0] == ""
        with valkey(servers) as client:
            assert client.ping()
            assert client.config_get("port") == {"port": "0"}

    def test_sqlalchemy_understands_the_url_with_its_driver(self, servers: EmbeddedServers) -> None:
        engine = create_engine(servers.database_url(scheme="postgresql+psycopg"))
        with engine.connect() as connection:
            assert connection.execute(text("select current_user")).scalar() == "postgres"
        engine.dispose()

    def test_the_database_owner_is_bound_by_row_level_security(self, servers: EmbeddedServers) -> None:
        for _twice in range(2):
            servers.create_database("shop", owner="shop_owner")
        with psycopg.connect(servers.database_url(dbname="shop", role="shop_owner")) as connection:
            row = connection.execute(
                "select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user"
            ).fetchone()
        assert row == (False, False, True)

    def test_a_long_data_folder_gets_a_short_socket_folder(self, root: Path) -> None:
        deep = root / ("d" * 60) / ("e" * 60)
        with EmbeddedServers(deep, durable=False) as servers:
            assert run_sql(servers, "select 1") == [(1,)]
            assert len(str(servers.paths.valkey_socket)) <= LONGEST_SOCKET_PATH
            assert stat.S_IMODE(servers.paths.sockets.stat().st_mode) == 0o700
            sockets = servers.paths.sockets
        sockets.rmdir()  # the folder is empty

    def test_sockets_and_data_are_closed_to_other_users(self, servers: EmbeddedServers) -> None:
        for folder in (servers.paths.sockets, servers.paths.postgres_data, servers.paths.valkey_data):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700


class TestDurability:
    def test_fsync_is_on_by_default(self, root: Path) -> None:
        with EmbeddedServers(root) as servers:
            rows = run_sql(
                servers,
                "select current_setting('fsync'), current_setting('full_page_writes'),"
                " current_setting('synchronous_commit'), current_setting('wal_level')",
            )
        assert rows == [("on", "on", "on", "replica")]

    def test_rows_and_keys_survive_an_ordered_restart(self, root: Path) -> None:
        with EmbeddedServers(root, durable=False) as servers, valkey(servers) as client:
            run_sql(servers, "create table kept as select 7 as n")
            client.set("kept", "7")
        with EmbeddedServers(root, durable=False) as servers, valkey(servers) as client:
            assert run_sql(servers, "select n from kept") == [(7,)]
            assert client.get("kept") == b"7"

    def test_committed_rows_survive_a_killed_postgres(self, servers: EmbeddedServers) -> None:
        run_sql(servers, "create table kept as select 7 as n")
        servers.postgres.kill()
        servers.postgres.start()
        assert run_sql(servers, "select n from kept") == [(7,)]

    def test_a_pid_file_of_another_process_does_not_stop_the_start(self, servers: EmbeddedServers) -> None:
        servers.postgres.kill()
        stranger = os.getpid()  # alive, and no PostgreSQL
        (servers.postgres.data / "postmaster.pid").write_text(f"{stranger}\n{servers.postgres.data}\n1\n5432\n\n\n\n")
        servers.postgres.start()
        assert run_sql(servers, "select 1") == [(1,)]

    def test_an_incomplete_data_folder_is_recreated(self, root: Path) -> None:
        shutil.rmtree(root / "postgres")
        unfinished = root / "postgres.new" / "base"
        unfinished.mkdir(parents=True)
        with EmbeddedServers(root, durable=False) as servers:
            assert run_sql(servers, "select 1") == [(1,)]

    def test_valkey_restarts_empty_after_losing_its_data(self, servers: EmbeddedServers) -> None:
        with valkey(servers) as client:
            client.set("lost", "1")
        servers.valkey.kill()
        shutil.rmtree(servers.valkey.data)
        servers.valkey.start()
        with valkey(servers) as client:
            assert client.get("lost") is None

    def test_each_server_restarts_alone(self, servers: EmbeddedServers) -> None:
        postgres, valkey_pid = servers.postgres.pid, servers.valkey.pid
        servers.postgres.restart()
        assert servers.valkey.pid == valkey_pid
        assert servers.postgres.pid not in (None, postgres)

    def test_the_owner_restarts_servers_that_died(self, servers: EmbeddedServers) -> None:
        postgres, died = servers.postgres.pid, servers.valkey.pid
        assert died
        os.kill(died, signal.SIGKILL)
        until(lambda: servers.valkey.pid is None)
        servers.start()
        assert servers.postgres.pid == postgres
        with valkey(servers) as client:
            assert client.ping()

    def test_a_fast_stop_does_not_wait_for_open_sessions(self, root: Path) -> None:
        servers = EmbeddedServers(root, durable=False)
        servers.start()
        with psycopg.connect(servers.database_url()) as connection:
            servers.stop()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("select 1")
        assert server_processes(root) == []

    def test_a_paused_server_stops_too(self, servers: EmbeddedServers, root: Path) -> None:
        for server in (servers.postgres, servers.valkey):
            assert server.pid
            os.kill(server.pid, signal.SIGSTOP)
        servers.stop()
        assert server_processes(root) == []


class TestOwnership:
    def test_a_second_process_attaches_and_leaves_the_servers_alone(self, root: Path) -> None:
        with owner_process(root) as process:
            attached = EmbeddedServers(root, durable=False)
            attached.start()
            assert not attached.is_owner
            assert attached.owner_pid() == process.pid
            before = (root / "postgres" / "postmaster.pid").read_text()
            with pytest.raises(EmbeddedServerFailed, match="does not own"):
                attached.postgres.kill()
            with pytest.raises(EmbeddedServerFailed, match="does not own"):
                attached.valkey.restart()
            attached.stop()
            assert run_sql(attached, "select 1") == [(1,)]
            assert (root / "postgres" / "postmaster.pid").read_text() == before
            assert int(before.split()[0]) in server_processes(root)

    def test_nothing_is_left_after_the_owner_is_killed(self, root: Path) -> None:
        with owner_process(root) as process:
            assert server_processes(root)
            process.kill()
            until(lambda: not server_processes(root))

    def test_the_next_owner_starts_right_after_the_former_was_killed(self, root: Path) -> None:
        with owner_process(root) as process:
            with psycopg.connect(EmbeddedServers(root).database_url(), autocommit=True) as connection:
                connection.execute("create table kept as select 7 as n")
            process.kill()
            with EmbeddedServers(root, durable=False) as servers, valkey(servers) as client:
                assert servers.is_owner
                assert run_sql(servers, "select n from kept") == [(7,)]
                assert client.ping()
                # When the former owner's Valkey ends late, it must not remove the new one's socket.
                assert servers.paths.valkey_socket.is_socket()

    def test_servers_outlive_the_thread_that_started_them(self, root: Path) -> None:
        servers = EmbeddedServers(root, durable=False)
        thread = threading.Thread(target=servers.start)
        thread.start()
        thread.join()
        try:
            # A parent-death signal bound to the ended thread would have been sent by now; a query proves that it was
            # not.
            assert run_sql(servers, "select pg_sleep(0.2), 1")[0][1] == 1
            assert servers.valkey.answers()
        finally:
            servers.stop()

    def test_an_owner_whose_servers_do_not_answer_is_named(self, root: Path) -> None:
        with owner_process(root) as process:
            for pid in server_processes(root):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with pytest.raises(EmbeddedServerFailed, match=f"Process {process.pid} owns"):
                EmbeddedServers(root).start(seconds=0.3)


class TestFailures:
    def test_the_reason_is_in_the_error(self, root: Path) -> None:
        with EmbeddedServers(root, durable=False):
            pass
        (root / "postgres" / "postgresql.conf").write_text("no_such_setting = 1\n")
        with pytest.raises(EmbeddedServerFailed, match="no_such_setting"):
            EmbeddedServers(root, durable=False).start()
        assert server_processes(root) == []

    def test_after_a_failed_start_another_may_own(self, root: Path) -> None:
        with EmbeddedServers(root, durable=False):
            pass
        configuration = root / "postgres" / "postgresql.conf"
        good = configuration.read_text()
        configuration.write_text("no_such_setting = 1\n")
        with pytest.raises(EmbeddedServerFailed):
            EmbeddedServers(root, durable=False).start()
        configuration.write_text(good)
        with EmbeddedServers(root, durable=False) as servers:
            assert servers.is_owner


class TestRunningAsRoot:
    def test_only_the_search_bit_is_opened(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        (closed / "inner").mkdir(parents=True)
        closed.chmod(0o700)
        open_search(closed / "inner")
        assert stat.S_IMODE(closed.stat().st_mode) == 0o701

    def test_files_in_a_closed_tree_become_readable_and_programs_runnable(self, tmp_path: Path) -> None:
        tree = tmp_path / "tree"
        (tree / "bin").mkdir(parents=True)
        program, data = tree / "bin" / "program", tree / "data"
        program.touch(mode=0o700)
        data.touch(mode=0o600)
        for folder in (tree, tree / "bin"):
            folder.chmod(0o700)
        os_user.open_reading(tree)
        assert [stat.S_IMODE(p.stat().st_mode) & 0o007 for p in (tree, tree / "bin", program, data)] == [5, 5, 5, 4]

    def test_root_hands_the_servers_to_another_user(self, servers: EmbeddedServers) -> None:
        """Root runs them as an OS user of their own; an ordinary user runs them under the same user."""
        user = os_user.server_user()
        expected = user.uid if user else os.geteuid()
        assert (user is not None) == (os.geteuid() == 0)
        for server in (servers.postgres, servers.valkey):
            assert Path(f"/proc/{server.pid}").stat().st_uid == expected
