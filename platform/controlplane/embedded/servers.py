"""Embedded PostgreSQL and Valkey: no installation, no configuration, no TCP port, no leftover processes."""

import fcntl
import os
import time
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import Self

from psycopg import connect, sql

from controlplane.embedded.errors import EmbeddedServerFailed
from controlplane.embedded.os_user import open_search, server_user
from controlplane.embedded.paths import embedded_paths, make_private_folder
from controlplane.embedded.postgres import SUPERUSER, Postgres
from controlplane.embedded.processes import START_SECONDS, Spawner
from controlplane.embedded.server import POLL_SECONDS
from controlplane.embedded.valkey import Valkey, make_passwords

RECHECK_SECONDS = 0.1
"""Delay before the second check: a just-killed owner still holds the lock and its servers still answer, but end
soon.
"""


class EmbeddedServers:
    """Servers of one data folder. The first process to start them owns them; others attach to its sockets.

    The servers end with their owner, even if the owner is killed. Not for use across `os.fork`.
    """

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        self.paths = embedded_paths(root)
        self._lock: BufferedRandom | None = None
        spawner = Spawner()
        self.postgres = Postgres(self.paths, spawner, durable=durable)
        self.valkey = Valkey(self.paths, spawner)

    def start(self, *, seconds: float = START_SECONDS) -> None:
        """Start both servers, or attach to those of another process. As owner, restart a dead server."""
        self.paths.root.mkdir(parents=True, exist_ok=True)
        if not self.is_owner and not self._own_or_attach(seconds):
            return
        try:
            user = server_user()
            if user is not None:
                open_search(self.paths.root / "any")
                open_search(self.paths.sockets)
            make_private_folder(self.paths.sockets, user)
            self.postgres.take_over(user)
            self.valkey.take_over(user)
            self.valkey.start(seconds=seconds)
            self.postgres.start(seconds=seconds)
        except BaseException:
            self.stop()
            raise

    def create_valkey_users(self) -> None:
        """Create, before the start, a Valkey user for each component, limited to the keys it needs."""
        self.paths.root.mkdir(parents=True, exist_ok=True)
        make_passwords(self.paths.valkey_passwords)

    def _own_or_attach(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        lock = self.paths.lock.open("a+b")
        answered = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # Owned by another process, which may be starting or stopping; in the latter case the lock is released.
                answers = self.valkey.answers() and self.postgres.answers()
                if answers and answered:
                    lock.close()
                    return False
                answered = answers
                if time.monotonic() > deadline:
                    owner = self.owner_pid()
                    lock.close()
                    raise EmbeddedServerFailed(
                        f"Process {owner} owns the servers in {self.paths.root}, but they do not answer. "
                        f"End that process, or choose another data folder.\n{self.postgres.log_tail()}"
                    ) from None
                time.sleep(RECHECK_SECONDS if answers else POLL_SECONDS)
            else:
                lock.truncate(0)
                lock.write(str(os.getpid()).encode())
                lock.flush()
                self._lock = lock
                return True

    @property
    def is_owner(self) -> bool:
        return self._lock is not None

    def owner_pid(self) -> int | None:
        """Process id of the last process that started the servers; the owner while that process lives."""
        try:
            return int(self.paths.lock.read_bytes() or b"0") or None
        except FileNotFoundError:
            return None

    def stop(self) -> None:
        """Stop the servers that this process owns; no-op for an attached process."""
        if self._lock is None:
            return
        self.postgres.stop()
        self.valkey.stop()
        self.postgres.let_go()
        self.valkey.let_go()
        self._lock.close()
        self._lock = None

    def create_database(self, dbname: str, *, owner: str) -> None:
        """Create, unless they exist, a database and its owner role: no superuser, but may create roles."""
        with connect(self.database_url(), autocommit=True) as connection:
            if not connection.execute("select 1 from pg_roles where rolname = %s", [owner]).fetchone():
                connection.execute(sql.SQL("create role {} login createrole createdb").format(sql.Identifier(owner)))
            if not connection.execute("select 1 from pg_database where datname = %s", [dbname]).fetchone():
                names = sql.Identifier(dbname), sql.Identifier(owner)
                connection.execute(sql.SQL("create database {} owner {}").format(*names))

    def database_url(self, *, dbname: str = "postgres", role: str = SUPERUSER, scheme: str = "postgresql") -> str:
        return self.postgres.url(dbname=dbname, role=role, scheme=scheme)

    @property
    def redis_url(self) -> str:
        """URL of the administrator."""
        return self.valkey.url()

    def redis_url_of(self, component: str) -> str:
        return self.valkey.url(component=component)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
