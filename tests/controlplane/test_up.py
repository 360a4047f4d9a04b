"""`fairlead up` as a command: ended processes are restarted, other commands find the installation, and nothing is
created twice.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import psycopg
import pytest

from controlplane.embedded.paths import embedded_paths
from controlplane.embedded.processes import processes_in
from controlplane.embedded.servers import EmbeddedServers
from controlplane.embedded.supervise import Crash
from controlplane.embedded.watch import ServerWatch
from controlplane.installation import Running, find_installation
from controlplane.ports import held_port
from foundation.settings import SECRETS
from tests.controlplane.test_cli import PASSWORD
from tests.support.commands import run_command
from tests.support.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
READY_SECONDS = 240
PRIVATE = {"FAIRLEAD_OUTBOUND_ALLOWED": "10.9.0.0/16", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9/traces"}


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.05)


class Up:
    """The command as a process, in a home of its own."""

    def __init__(self, home: Path, port: int, **environment: str) -> None:
        self.home, self.port = home, port
        self.root = home / "fairlead" / "up"
        self.said: list[str] = []
        argv = ["env", "--default-signal=INT", sys.executable, "-m", "controlplane", "up", "--port", str(port)]
        self.process = subprocess.Popen(
            argv, cwd=home, env=clean(home) | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.said.extend(self.process.stdout)

    @property
    def text(self) -> str:
        return "".join(self.said)

    def wait_until_ready(self) -> None:
        until(lambda: "Serving on" in self.text or self.process.poll() is not None, READY_SECONDS)
        assert self.process.poll() is None, self.text

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def server(self, name: str) -> int:
        paths = embedded_paths(self.root / "servers")
        folder = {"postgres": paths.postgres_data, "valkey-server": paths.valkey_data}[name]
        pids = processes_in(folder, name)
        return min(pids, default=0)

    def environment_of(self, name: str) -> dict[str, str]:
        """Environment of one of its processes, which are identified by their heartbeat file."""
        wanted = f"FAIRLEAD_HEARTBEAT_FILE={self.root / 'logs' / name}.heartbeat"
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    found = (entry / "environ").read_text().split("\0")
                except OSError:
                    continue
                if wanted in found:
                    return dict(each.split("=", 1) for each in found if "=" in each)
        raise AssertionError(f"{name} does not run")

    def call(self, *arguments: str, **environment: str) -> tuple[int, str]:
        return call(self.home, *arguments, **environment)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(120)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def clean(home: Path) -> dict[str, str]:
    """A shell's environment without our settings."""
    return {"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}


def call(home: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    return run_command(list(arguments), clean(home) | environment, cwd=home, typed=f"{PASSWORD}\n")


@contextmanager
def running_up(home: Path, port: int, **environment: str) -> Iterator[Up]:
    up = Up(home, port, **environment)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.process.kill()
        up.end()


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Outside pytest's folder, which each of its sessions makes private: the servers run as another user."""
    with TemporaryDirectory(prefix="fairlead-up-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def up(home: Path) -> Iterator[Up]:
    with running_up(home, free_port(), **PRIVATE) as running:
        running.wait_until_ready()
        yield running


class TestServers:
    @pytest.mark.parametrize("name", ["postgres", "valkey-server"])
    def test_a_killed_server_is_restarted_and_reported(self, up: Up, name: str) -> None:
        first = up.server(name)
        os.kill(first, signal.SIGKILL)
        until(lambda: up.server(name) not in {0, first})
        until(up.is_ready)
        until(
            lambda: f"{ {'postgres': 'PostgreSQL'}.get(name, 'Valkey') } ended with -9 and is started again." in up.text
        )
        assert not Path(f"/proc/{first}").exists()

    def test_a_server_that_ends_in_order_is_started_again(self, up: Up) -> None:
        first = up.server("postgres")
        os.kill(first, signal.SIGINT)
        until(lambda: up.server("postgres") not in {0, first})
        until(up.is_ready)


class TestAdministration:
    def test_each_documented_command_finds_it(self, up: Up) -> None:
        """In a clean environment, one after the other, as docs/operations.md shows them."""
        options = [
            "--name",
            "North",
            "--slug",
            "north",
            "--host",
            "north.localhost",
            "--support-email",
            "h@north.example",
        ]
        options += ["--admin-email", "ada@north.example", "--admin-password-file", "-"]
        status, output = up.call("msp", "create", *options)
        assert status == 0, output
        msp = output.split()[1].rstrip(":")
        given = ["--msp", msp, "--name", "Birch", "--slug", "birch", "--currency", "EUR"]
        status, output = up.call("client", "create", *given)
        assert status == 0, output
        both = ["--msp", msp, "--client", output.split()[1]]
        for arguments in (
            ["doctor"],
            ["migrate"],
            ["connector", "list"],
            ["client", "list", "--msp", msp],
            ["baseline", "show", *both],
            ["price-book", "create", "--msp", msp, "--side", "retail", "--currency", "EUR"],
            ["member", "reset-password", "--msp", msp, "--email", "ada@north.example"],
            ["client", "pin", *both],
            ["client", "unpin", *both],
            ["client", "suspend", *both, "--reason", "a test"],
            ["client", "resume", *both],
            ["audit", "verify", *both],
            ["vault", "rotate", *both],
            ["vault", "rewrap", *both],
        ):
            status, output = up.call(*arguments)
            assert status == 0, (arguments, output)

    def test_it_is_found_in_a_folder_of_its_own_and_from_another_folder(self, up: Up, tmp_path: Path) -> None:
        status, output = call(tmp_path, "migrate", FAIRLEAD_DATA=str(up.root))
        assert status == 0, output

    def test_without_a_running_installation_the_command_gives_instructions(self, tmp_path: Path) -> None:
        status, output = call(tmp_path, "migrate", FAIRLEAD_DATA=str(tmp_path / "nothing"))
        assert (status, output.startswith("Error: DATABASE_URL is not set, and no installation runs in")) == (1, True)

    def test_the_settings_are_those_it_runs_with(self, up: Up) -> None:
        found = find_installation({"FAIRLEAD_DATA": str(up.root)})
        assert found is not None
        assert found.running.embedded
        assert found.settings().outbound_allowed == PRIVATE["FAIRLEAD_OUTBOUND_ALLOWED"]

    def test_a_stopped_data_folder_is_not_mistaken_for_a_running_one(self, up: Up, tmp_path: Path) -> None:
        """Neither a backup nor an administrator's action affects another installation of the same user."""
        data = tmp_path / "fairlead" / "up" / "servers" / "postgres"
        data.mkdir(parents=True)
        (data / "PG_VERSION").write_text("17")
        status, output = call(tmp_path, "msp", "list")
        assert (status, f"no installation runs in {tmp_path / 'fairlead' / 'up'}" in output) == (1, True)
        status, output = call(tmp_path, "doctor")
        assert (status, "is of PostgreSQL 17" in output) == (1, True)
        status, output = call(tmp_path, "backup", "--out", str(tmp_path / "out"))
        assert (status, "is of PostgreSQL 17" in output) == (1, True)

    def test_a_reused_process_id_is_not_mistaken_for_the_owner(self, up: Up, tmp_path: Path) -> None:
        (tmp_path / "installation.lock").write_bytes(msgspec.json.encode(Running(os.getpid(), embedded=True)))
        assert find_installation({"FAIRLEAD_DATA": str(tmp_path)}) is None


class TestProcesses:
    def test_settings_are_passed_on_as_they_were_set(self, up: Up) -> None:
        for name in ("web", "worker", "bulk-worker", "relay"):
            environment = up.environment_of(name)
            assert {key: environment.get(key) for key in PRIVATE} == PRIVATE, name

    @pytest.mark.parametrize(
        ("name", "needed"),
        [
            (
                "web",
                {"DATABASE_APP_URL", "DATABASE_INTAKE_URL", "REDIS_URL", "FAIRLEAD_SESSION_KEY", "FAIRLEAD_VAULT_KEYS"},
            ),
            ("worker", {"DATABASE_APP_URL", "REDIS_URL", "FAIRLEAD_VAULT_KEYS"}),
            ("relay", {"DATABASE_RELAY_URL", "REDIS_URL"}),
        ],
    )
    def test_each_has_only_its_own_addresses_and_keys(self, up: Up, name: str, needed: set[str]) -> None:
        environment = up.environment_of(name)
        assert {key for key in environment if key.removesuffix("_FILE") in SECRETS} == needed

    def test_logs_are_private(self, up: Up) -> None:
        logs = [*(up.root / "logs").glob("*.log"), *(up.root / "servers").glob("*.log")]
        assert {log.name for log in logs} >= {"web.log", "worker.log", "relay.log", "postgres.log", "valkey.log"}
        assert {log.stat().st_mode & 0o777 for log in logs} == {0o600}


class TestPorts:
    def test_a_port_in_use_is_refused_and_not_replaced(self, tmp_path: Path) -> None:
        with held_port() as port, pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_STATE_HOME", str(tmp_path))
            with socket.create_server(("127.0.0.1", port)):
                status, output = call(tmp_path, "up", "--port", str(port))
        assert (status, output.splitlines()[-1].startswith(f"Error: Port {port} is taken by another program")) == (
            1,
            True,
        )

    @pytest.mark.parametrize(
        ("folder", "status", "expected"),
        [
            ("", 2, "a folder's name is empty"),
            (b"/tmp/\xff", 2, "not UTF-8"),
            ("/dev/null/below", 1, "cannot be made: Not a directory"),
            ("/tmp/" + "x" * 300, 1, "cannot be made: File name too long"),
        ],
    )
    def test_an_impossible_folder_is_reported(
        self, tmp_path: Path, folder: str | bytes, status: int, expected: str
    ) -> None:
        for arguments in (["up", "--port", str(free_port())], ["backup", "--out", str(tmp_path)]):
            code, text = call(tmp_path, *arguments, "--data", os.fsdecode(folder))
            assert (code, "Traceback" in text) == (status, False)
            assert expected in text or arguments[0] == "backup"

    @pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
    def test_a_number_that_is_no_port_is_refused(self, tmp_path: Path, port: str) -> None:
        status, output = call(tmp_path, "up", f"--port={port}")
        assert (status, "--port" in output) == (2, True)


def test_a_restart_uses_the_same_port_and_keys() -> None:
    with TemporaryDirectory(prefix="fairlead-up-") as folder:
        home, port = Path(folder), free_port()
        with running_up(home, port) as first:
            first.wait_until_ready()
            assert first.is_ready()  # a connection that is still closing when the next one arrives
            first.process.send_signal(signal.SIGTERM)
            with running_up(home, port) as second:
                second.wait_until_ready()
                assert f"http://127.0.0.1:{port}." in second.text
                assert first.process.wait(60) == 0
        for name in ("vault.keys", "secret.key"):
            kept = (home / "fairlead" / "up" / name).rename(home / name)
            status, output = call(home, "up", "--port", str(port))
            assert status == 1
            assert f"{name} is missing beside existing data" in output
            assert not (home / "fairlead" / "up" / name).exists()
            kept.rename(home / "fairlead" / "up" / name)


class TestWatch:
    @pytest.fixture
    def watched(self) -> Iterator[tuple[EmbeddedServers, list[Crash]]]:
        crashes: list[Crash] = []
        with (
            TemporaryDirectory(prefix="fairlead-watch-") as folder,
            EmbeddedServers(Path(folder), durable=False) as servers,
        ):
            watch = ServerWatch((servers.postgres, servers.valkey), on_crash=crashes.append, silent_seconds=4.0)
            watch.start()
            try:
                yield servers, crashes
            finally:
                watch.stop()

    @pytest.mark.parametrize("name", ["postgres", "valkey"])
    def test_a_stopped_server_is_replaced(self, watched: tuple[EmbeddedServers, list[Crash]], name: str) -> None:
        servers, crashes = watched
        server = getattr(servers, name)
        first = server.pid
        os.kill(first, signal.SIGSTOP)
        until(lambda: server.pid not in {None, first} and server.answers())
        assert [(crash.name, crash.hung) for crash in crashes] == [(server.name, True)]

    def test_a_stopping_server_does_not_wait_for_its_clients(
        self, watched: tuple[EmbeddedServers, list[Crash]]
    ) -> None:
        servers, crashes = watched
        first = servers.postgres.pid
        with psycopg.connect(servers.database_url(), autocommit=True):
            os.kill(first or 0, signal.SIGTERM)
            until(lambda: servers.postgres.pid not in {None, first} and servers.postgres.answers())
        assert [(crash.name, crash.exit_code) for crash in crashes] == [("PostgreSQL", 0)]

    def test_a_server_that_is_down_on_purpose_stays_down(self, watched: tuple[EmbeddedServers, list[Crash]]) -> None:
        servers, crashes = watched
        servers.valkey.kill()
        os.kill(servers.postgres.pid or 0, signal.SIGKILL)
        until(servers.postgres.answers)
        assert servers.valkey.pid is None
        assert [crash.name for crash in crashes] == ["PostgreSQL"]
