"""The whole product on one machine: embedded (or named) servers, web, worker and relay under one supervisor."""

import asyncio
import secrets
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from branding.assets import build_assets
from controlplane.embedded.paths import default_root
from controlplane.embedded.processes import START_SECONDS
from controlplane.embedded.servers import EmbeddedServers
from controlplane.embedded.supervise import Crash, Program, Supervisor
from controlplane.migrate import migrate_schema, prepare_roles
from foundation.settings import Settings, read_settings, write_environment
from foundation.telemetry.pulse import SILENT_SECONDS
from foundation.vault.key_ring import KeyRing

_DATABASE = "fairlead"
_OWNER = "fairlead_owner"


def embedded_settings(servers: EmbeddedServers, *, outbound_allowed: str = "", log_json: bool = True) -> Settings:
    """Settings for embedded servers; the secrets are made once and kept in the data folder, readable by the owner."""
    root = servers.paths.root
    servers.create_database(_DATABASE, owner=_OWNER)
    secret = _kept_secret(root / "secret.key")
    KeyRing.load_or_create(root / "vault.keys")
    environment = {
        "DATABASE_URL": servers.database_url(dbname=_DATABASE, role=_OWNER),
        "REDIS_URL": servers.redis_url,
        "FAIRLEAD_SECRET_KEY": secret,
        "FAIRLEAD_VAULT_KEYS_FILE": str(root / "vault.keys"),
        "FAIRLEAD_OUTBOUND_ALLOWED": outbound_allowed,
        "FAIRLEAD_LOG": "json" if log_json else "console",
    }
    return read_settings(environment)


def _kept_secret(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text().strip()


def default_static() -> Path:
    return default_root() / "static"


def project_root() -> Path:
    """Where package.json and node_modules are: the checkout, or wherever the command was started."""
    here = Path(__file__).resolve().parents[2]
    return here if (here / "package.json").exists() else Path.cwd()


class Stack(AbstractContextManager["Stack"]):
    """Started by `with`; ends with its block, and with this process however that ends."""

    def __init__(
        self,
        root: Path,
        *,
        environment: Mapping[str, str],
        outbound_allowed: str = "",
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        """A process of ours without a pulse for `silent_seconds` is replaced."""
        self._silent_seconds = silent_seconds
        self.root = root
        self._environment = environment
        self._outbound_allowed = outbound_allowed
        self.crashes: list[Crash] = []
        self.servers: EmbeddedServers | None = None
        self.supervisor = Supervisor(root / "logs", on_crash=self.crashes.append)
        self.settings: Settings

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True)
        try:
            self._start_servers()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _start_servers(self) -> None:
        if self._environment.get("DATABASE_URL") and self._environment.get("REDIS_URL"):
            self.settings = msgspec.structs.replace(
                read_settings(self._environment), outbound_allowed=self._outbound_allowed
            )
            admin = self.settings.owner_url
        else:
            self.servers = EmbeddedServers(self.root / "servers")
            self.servers.start()
            self.settings = embedded_settings(self.servers, outbound_allowed=self._outbound_allowed)
            admin = self.servers.database_url(dbname=_DATABASE)
        asyncio.run(prepare_roles(admin, self.settings.role_passwords))
        migrate_schema(self.settings.owner_url)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.supervisor.stop_all()
        if self.servers is not None:
            self.servers.stop()

    def run(self, name: str, *arguments: str) -> None:
        """One of our own commands as a supervised process."""
        argv: Sequence[str] = (sys.executable, "-m", "controlplane.cli.main", *arguments)
        environment = write_environment(self.settings)
        program = Program(name=name, argv=argv, env=environment, silent_seconds=self._silent_seconds)
        self.supervisor.start(program)

    def run_module(self, name: str, module: str, *arguments: str) -> None:
        self.supervisor.start(Program(name=name, argv=(sys.executable, "-m", module, *arguments)))

    def run_product(self, *, port: int, host: str = "127.0.0.1") -> None:
        """Web, worker and relay; returns when the web answers."""
        static = default_static()
        build_assets(project_root(), static)
        self.run("web", "web", "--host", host, "--port", str(port), "--static", str(static))
        self.run("worker", "worker", "--turns", "prompt")
        self.run("bulk-worker", "worker", "--turns", "bulk")
        self.run("relay", "relay")
        self.supervisor.wait_until("web", lambda: answers(f"http://127.0.0.1:{port}/readyz"), seconds=START_SECONDS)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310 - our own loopback address
            return bool(reply.status < 400)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def held_port(preferred: int = 0) -> Iterator[int]:
    """`preferred` when it is free on loopback, else any; until the block ends the system gives it to nobody else.

    Servers that reuse addresses, as ours do, may listen on it meanwhile.
    """
    with socket.socket() as holder:
        try:
            holder.bind(("127.0.0.1", preferred))
        except OSError:
            holder.bind(("127.0.0.1", 0))
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # not before: it is not to share another's
        yield int(holder.getsockname()[1])


def free_port(preferred: int) -> int:
    """`preferred` when it is free on loopback, else any."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free")
