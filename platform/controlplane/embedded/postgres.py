import contextlib
import shutil
import signal
import struct
import subprocess
from pathlib import Path
from urllib.parse import quote

import psycopg

from controlplane.embedded.errors import EmbeddedServerFailed
from controlplane.embedded.os_user import give, open_reading, open_search
from controlplane.embedded.paths import EmbeddedPaths, postgres_programs
from controlplane.embedded.processes import Command, Spawner
from controlplane.embedded.server import EmbeddedServer

SUPERUSER = "postgres"
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""Answered before authentication and before the check for accepted connections."""
_STATE_LINE = 7

SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "128MB",
    "max_connections": "100",
    # Required by `pg_basebackup`. "minimal" writes less log, but rules out copies of a running server.
    "wal_level": "replica",
    "max_wal_senders": "4",
    # Avoids checkpoints during bursts of intake.
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "synchronous_commit": "on",
    # After a crash: one call instead of opening each of a thousand files; recovery is seconds shorter.
    "recovery_init_sync_method": "syncfs",
    "jit": "off",
    "random_page_cost": "1.1",
    # Parallel plans do not pay for short queries on few cores, and they need a /dev/shm that small containers lack.
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_lock_waits": "on",
}
# Survives a kill of every process, not a power failure: for tests and throw-away demos.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class Postgres(EmbeddedServer):
    name = "PostgreSQL"
    program = "postgres"
    stop_signal = signal.SIGINT  # "fast": SIGTERM would wait for every client to leave

    def __init__(self, paths: EmbeddedPaths, spawner: Spawner, *, durable: bool) -> None:
        super().__init__(paths, spawner)
        self._settings = SETTINGS if durable else SETTINGS | NOT_DURABLE
        self._durable = durable

    @property
    def data(self) -> Path:
        return self.paths.postgres_data

    @property
    def log(self) -> Path:
        return self.paths.postgres_log

    def url(self, *, dbname: str = "postgres", role: str = SUPERUSER, scheme: str = "postgresql") -> str:
        """URL for libpq. For SQLAlchemy pass `scheme="postgresql+psycopg"`."""
        host = quote(str(self.paths.sockets), safe="")
        return f"{scheme}://{quote(role, safe='')}@/{quote(dbname, safe='')}?host={host}"

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def responds(self) -> bool:
        return bool(self._request(self.paths.postgres_socket, _SSL_REQUEST))

    def is_stopping(self) -> bool:
        """Read the server's state: the eighth line of its lock file (src/include/utils/pidfile.h)."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return False
        return len(lines) > _STATE_LINE and lines[_STATE_LINE].strip() == "stopping"

    def _prepare(self) -> None:
        programs = postgres_programs()
        if self._user is not None:
            open_reading(programs.parent)
            open_search(programs / "postgres")
            open_search(self.data)
        if not (self.data / "PG_VERSION").is_file():
            self._create(programs)
        give(self.data, self._user)
        # No process uses the data folder any more (checked by the caller), so the file contains only a stale process
        # id. Another process may have that id by now; PostgreSQL would refuse to start because of it.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _create(self, programs: Path) -> None:
        """Run initdb in a temporary folder and rename it when complete, so that a kill leaves no partial data
        folder.
        """
        fresh = self.data.with_name(self.data.name + ".new")
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        give(fresh, self._user)
        argv = [str(programs / "initdb"), "-D", str(fresh), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8"]
        # The wheel is built without ICU; the builtin provider needs no system locale.
        argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-locale", "--no-instructions"]
        argv += [] if self._durable else ["--no-sync"]
        process = self._spawner.spawn(
            Command(argv=argv, log=self.log, death_signal=signal.SIGKILL, user=self._user, cwd=fresh)
        )
        try:
            code = process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if code != 0:
            raise EmbeddedServerFailed(f"PostgreSQL could not create its data in {fresh}:\n{self.log_tail()}")
        fresh.rename(self.data)

    def _command(self) -> Command:
        argv = [str(postgres_programs() / "postgres"), "-D", str(self.data), "-k", str(self.paths.sockets)]
        for name, value in self._settings.items():
            argv += ["-c", f"{name}={value}"]
        return Command(argv=argv, log=self.log, death_signal=self.stop_signal, user=self._user, cwd=self.data)
