"""Servers of the tests: embedded ones per pytest process, those named by DATABASE_URL and REDIS_URL, or warm ones.

The embedded servers are imported only where they are started, because warm ones do not need them.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from foundation.database.roles import RolePasswords
from foundation.settings import with_role
from tests.support.schema_template import DATABASE, copy_template
from tests.support.warm_servers import warm_database

if TYPE_CHECKING:
    from controlplane.embedded.servers import EmbeddedServers

FOLDER_PREFIX = "fairlead-test-"
SWEEP_AFTER_SECONDS = 60
START_SECONDS = 180.0
OWNER_ROLE = "fairlead_owner"
OWNER_PASSWORD = "owner-test"
PASSWORDS = RolePasswords(app="app-test", intake="intake-test", relay="relay-test", backup="backup-test")


@dataclass(frozen=True)
class Servers:
    """Servers of one pytest process (xdist worker): its own database, and its own Valkey or Valkey database number."""

    owner_url: str
    """libpq URL of an empty database, as its owner."""
    admin_url: str
    """Same server, a role that may create databases and roles: a superuser on the embedded one."""
    redis_url: str
    embedded: "EmbeddedServers | None"
    """None for servers from the environment, and for warm servers."""
    is_migrated: bool = False
    """Whether the database has the roles and the schema already."""

    def hang_up(self, application_name: str) -> None:
        """End every PostgreSQL connection of this name, as in a restart."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            ended = connection.execute(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
                " WHERE application_name = %s AND datname = %s",
                (application_name, urlsplit(self.owner_url).path.removeprefix("/")),
            ).fetchall()
        assert ended


def start_servers(environment: Mapping[str, str] | None = None) -> Servers:
    """Both servers, ready. A server that the environment names is used as it is; the other one is embedded."""
    environment = os.environ if environment is None else environment
    database_url, redis_url = environment.get("DATABASE_URL"), environment.get("REDIS_URL")
    worker = environment.get("PYTEST_XDIST_WORKER", "gw0")
    embedded = None if database_url and redis_url else _start_embedded(with_database=not database_url)
    if database_url:
        owner_url, admin_url = _own_database(database_url, f"fairlead_test_{worker}"), database_url
    else:
        assert embedded is not None
        owner_url = embedded.database_url(dbname=DATABASE, role=OWNER_ROLE)
        admin_url = embedded.database_url()
    if redis_url:
        redis_url = _own_redis(redis_url, int(worker.removeprefix("gw")))
    else:
        assert embedded is not None
        redis_url = embedded.redis_url
    return Servers(
        owner_url=owner_url, admin_url=admin_url, redis_url=redis_url, embedded=embedded, is_migrated=not database_url
    )


def stop_servers(servers: Servers) -> None:
    if servers.embedded is not None:
        servers.embedded.stop()
        shutil.rmtree(servers.embedded.paths.root, ignore_errors=True)


@contextlib.contextmanager
def running_servers(environment: Mapping[str, str] | None = None) -> Iterator[Servers]:
    """The servers that `environment` determines, else the warm ones if they run, else embedded ones."""
    with contextlib.ExitStack() as stack:
        warm = stack.enter_context(warm_database(os.environ)) if environment is None else None
        if warm is not None:
            yield Servers(warm.owner_url, warm.admin_url, warm.redis_url, embedded=None, is_migrated=True)
            return
        servers = start_servers(environment)
        stack.callback(stop_servers, servers)
        yield servers


def _start_embedded(*, with_database: bool) -> "EmbeddedServers":
    from controlplane.embedded.servers import EmbeddedServers

    _sweep(Path(tempfile.gettempdir()))
    servers = EmbeddedServers(Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX)), durable=False)
    if with_database:
        copy_template(servers.paths.postgres_data, owner=OWNER_ROLE, passwords=PASSWORDS)
    servers.start(seconds=START_SECONDS)
    return servers


def _sweep(parent: Path) -> None:
    """Remove the data folders of killed test runs, i.e. those whose lock is free."""
    for folder in parent.glob(f"{FOLDER_PREFIX}*"):
        with contextlib.suppress(OSError):  # a concurrent run may remove it meanwhile, or hold it
            if time.time() - folder.stat().st_mtime < SWEEP_AFTER_SECONDS:
                continue  # a concurrent run may be about to take the lock
            with (folder / "owner.lock").open("r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)


def _own_database(server_url: str, dbname: str) -> str:
    """A new database on the server of `server_url`, so that test processes do not share one and no real data is
    touched.
    """
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(dbname)))
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(dbname)))
        superuser = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
        if superuser == (True,):
            # A superuser bypasses row-level security: as the owner it would make the tests meaningless.
            _own_role(connection)
            owner = sql.SQL("alter database {} owner to {}")
            connection.execute(owner.format(sql.Identifier(dbname), sql.Identifier(OWNER_ROLE)))
    scheme, netloc, _path, query, _fragment = urlsplit(server_url)
    url = f"{scheme}://{netloc}/{dbname}" + (f"?{query}" if query else "")
    return with_role(url, OWNER_ROLE, OWNER_PASSWORD) if superuser == (True,) else url


def _own_role(connection: psycopg.Connection[object]) -> None:
    """Owner role, created once by the first worker."""
    role, password = sql.Identifier(OWNER_ROLE), sql.Literal(OWNER_PASSWORD)
    with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        connection.execute(sql.SQL("create role {} login createrole password {}").format(role, password))


def _own_redis(server_url: str, number: int) -> str:
    """Valkey's database `number`, so that workers do not share one. Tests may flush it."""
    scheme, netloc, path, _query, _fragment = urlsplit(server_url)
    return f"unix://{path}?db={number}" if scheme == "unix" else f"{scheme}://{netloc}/{number}"
