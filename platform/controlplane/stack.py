"""The full product on one machine: embedded (or named) servers, web, worker and relay under one supervisor."""

import asyncio
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import psycopg

from branding.assets import build_assets
from controlplane.data_folder import KEYS_FILE, SECRET_FILE, begin_setup, finish_setup, make_root, require_whole
from controlplane.embedded.logs import LogRotation
from controlplane.embedded.paths import default_root
from controlplane.embedded.processes import START_SECONDS
from controlplane.embedded.servers import EmbeddedServers
from controlplane.embedded.supervise import Crash, Program, Supervisor
from controlplane.embedded.watch import ServerWatch
from controlplane.installation import (
    DATABASE,
    OWNER,
    InstallationLock,
    Running,
    embedded_environment,
    uses_own_servers,
)
from controlplane.local_index import hosts_file, write_hosts
from controlplane.migrate import migrate_schema, prepare_roles
from controlplane.preflight import check_settings, require_keys_open
from foundation.heartbeat import SILENT_SECONDS
from foundation.settings import Settings, process_environment, read_settings
from foundation.text import mark_hidden
from foundation.vault.key_ring import KeyRing

_LOG_LINES = 8
_HOSTS_SECONDS = 5.0
_DAY = 86_400.0
_FIRST_DAILY = 300.0


def embedded_settings(root: Path, servers: EmbeddedServers, environment: Mapping[str, str]) -> Settings:
    """Settings from `environment`, except for the servers' addresses.

    Missing secrets are generated once and kept in the data folder, readable by its owner only.
    """
    servers.create_database(DATABASE, owner=OWNER)
    _make_secret(root / SECRET_FILE)
    KeyRing.load_or_create(root / KEYS_FILE)
    return read_settings(embedded_environment(root, environment))


def _make_secret(path: Path) -> None:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))


def default_static() -> Path:
    return default_root() / "static"


def project_root() -> Path:
    """The folder of package.json and node_modules: the checkout, or the current folder."""
    here = Path(__file__).resolve().parents[2]
    return here if (here / "package.json").exists() else Path.cwd()


class Stack(AbstractContextManager["Stack"]):
    """Context manager of the product's processes; they end with the block, or with this process however it ends."""

    def __init__(
        self,
        root: Path,
        *,
        environment: Mapping[str, str],
        outbound_allowed: str = "",
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        """`outbound_allowed` is added to the hosts in `environment`.

        A process or server without a heartbeat or response for `silent_seconds` is replaced.
        """
        self._silent_seconds = silent_seconds
        self.root = root
        self._environment = environment
        self._outbound_allowed = outbound_allowed
        self.crashes: list[Crash] = []
        self.servers: EmbeddedServers | None = None
        self.supervisor = Supervisor(root / "logs", on_crash=self.crashes.append)
        self.settings: Settings
        self._lock = InstallationLock(root)
        self._rotation = LogRotation((root / "logs", root / "servers"), on_failure=self._print_line)
        self._watch: ServerWatch | None = None
        self._hosts_due = 0.0

    def __enter__(self) -> Self:
        make_root(self.root)
        try:
            self._lock.take()
            self._start_servers()
            self._rotation.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _start_servers(self) -> None:
        if uses_own_servers(self._environment):
            settings = read_settings(self._environment)
            check_settings(settings)
            admin = settings.owner_url
        else:
            require_whole(self.root, self._environment)
            begin_setup(self.root)
            self.servers = EmbeddedServers(self.root / "servers")
            self.servers.create_valkey_users()
            self.servers.start()
            watched = (self.servers.postgres, self.servers.valkey)
            self._watch = ServerWatch(watched, on_crash=self.crashes.append, silent_seconds=self._silent_seconds)
            self._watch.start()
            settings = embedded_settings(self.root, self.servers, self._environment)
            check_settings(settings)
            admin = self.servers.database_url(dbname=DATABASE)
        allowed = f"{settings.outbound_allowed} {self._outbound_allowed}".strip()
        self.settings = msgspec.structs.replace(settings, outbound_allowed=allowed)
        check_settings(self.settings)
        self._lock.describe(Running(os.getpid(), self.servers is not None, allowed))
        asyncio.run(prepare_roles(admin, self.settings.role_passwords))
        migrate_schema(self.settings.owner_url)
        require_keys_open(self.settings)
        finish_setup(self.root)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.supervisor.stop_all()
        self._rotation.stop()
        if self._watch is not None:
            self._watch.stop()
        if self.servers is not None:
            self.servers.stop()
        self._lock.release()

    def tend(self) -> None:
        """Periodic maintenance, about once a second, by the process that runs the installation."""
        self.print_crashes()
        if time.monotonic() >= self._hosts_due:
            with suppress(psycopg.Error):  # the database is restarting
                self.write_hosts()

    def write_hosts(self) -> None:
        self._hosts_due = time.monotonic() + _HOSTS_SECONDS
        write_hosts(self.settings.owner_url, hosts_file(self.root))

    def print_crashes(self) -> None:
        """Print and clear the recorded crashes on standard error."""
        while self.crashes:
            crash = self.crashes.pop(0)
            self._print_line("\n".join([crash.sentence, *crash.log_tail.splitlines()[-_LOG_LINES:]]))

    @staticmethod
    def _print_line(sentence: str) -> None:
        print(mark_hidden(sentence, lines=True), file=sys.stderr, flush=True)  # noqa: T201 - the terminal of the user who started the installation

    def run(self, name: str, *arguments: str) -> None:
        """Run one of our commands as a supervised process, with only the secrets that the command needs."""
        argv: Sequence[str] = (sys.executable, "-m", "controlplane", *arguments)
        environment = process_environment(self.settings, arguments[0])
        program = Program(name=name, argv=argv, env=environment, silent_seconds=self._silent_seconds)
        self.supervisor.start(program)

    def run_daily(self, name: str, *arguments: str) -> None:
        """Run a command that ends daily; the first time some minutes after the start, which stays quick."""
        argv: Sequence[str] = (sys.executable, "-m", "controlplane", *arguments)
        environment = process_environment(self.settings, arguments[0])
        self.supervisor.start(
            Program(name=name, argv=argv, env=environment, every_seconds=_DAY, first_after_seconds=_FIRST_DAILY)
        )

    def run_module(self, name: str, module: str, *arguments: str) -> None:
        self.supervisor.start(Program(name=name, argv=(sys.executable, "-m", module, *arguments)))

    def run_product(self, *, port: int, host: str = "127.0.0.1") -> None:
        """Start web, worker and relay; returns when the web answers."""
        static = default_static()
        build_assets(project_root(), static)
        self.write_hosts()
        hosts = ("--local-hosts", str(hosts_file(self.root)))
        self.run("web", "web", "--host", host, "--port", str(port), "--static", str(static), *hosts)
        self.run("worker", "worker", "--lanes", "prompt")
        self.run("bulk-worker", "worker", "--lanes", "bulk")
        self.run("relay", "relay")
        self.supervisor.wait_until("web", lambda: answers(f"http://127.0.0.1:{port}/readyz"), seconds=START_SECONDS)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310 - our own loopback address
            return bool(reply.status < 400)
    except (urllib.error.URLError, OSError):
        return False
