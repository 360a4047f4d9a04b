"""The process of the warm servers (`warm_servers.py`): `python -m tests.support.warm_host start`, `stop` or `serve`.

It keeps databases ready, removes those of runs that ended, and ends after half an hour without use, or when no run
uses them and the address file is gone or belongs to another process.
"""

import contextlib
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import psycopg
from psycopg import sql

from controlplane.embedded.servers import EmbeddedServers
from tests.support.schema_template import DATABASE, copy_template, current_fingerprint
from tests.support.servers import FOLDER_PREFIX, OWNER_ROLE, PASSWORDS, START_SECONDS
from tests.support.warm_servers import (
    HOME,
    MOST_RUNS,
    READY,
    TAKEN,
    Address,
    address_file,
    find_address,
    host_lock,
    is_locked,
    run_lock,
    start_host,
    try_lock,
)

READY_DATABASES = 2
IDLE_SECONDS = 1800.0
LONGEST_RUN_SECONDS = 1800.0
POLL_SECONDS = 1.0


def serve(home: Path) -> None:
    """Run the servers until they are no longer needed."""
    home.mkdir(parents=True, exist_ok=True)
    for number in range(1, MOST_RUNS + 1):
        run_lock(home, number).touch()
    with host_lock(home).open("a") as lock:
        # The process of an older schema finds its address gone, and ends after the runs that use it.
        address_file(home).unlink(missing_ok=True)
        if not _wait(lambda: try_lock(lock), seconds=LONGEST_RUN_SECONDS):
            return
        folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
        fingerprint = current_fingerprint()
        servers = EmbeddedServers(folder, durable=False)
        try:
            copy_template(servers.paths.postgres_data, owner=OWNER_ROLE, passwords=PASSWORDS)
            servers.start(seconds=START_SECONDS)
            with psycopg.connect(servers.database_url(), autocommit=True) as connection:
                maintain(connection, home)
                written = _write_address(home, servers, fingerprint)
                while is_needed(home, written, time.time()):
                    time.sleep(POLL_SECONDS)
                    maintain(connection, home)
        finally:
            servers.stop()
            shutil.rmtree(folder, ignore_errors=True)


def is_needed(home: Path, written: bytes, now: float) -> bool:
    """Whether a run uses the servers now, or may still do so: the address is this process's, and was used recently."""
    try:
        locks = [run_lock(home, number) for number in range(1, MOST_RUNS + 1)]
        if any(map(is_locked, locks)):
            return True
        used = max(path.stat().st_mtime for path in (address_file(home), *locks))
        return address_file(home).read_bytes() == written and now - used < IDLE_SECONDS
    except FileNotFoundError:
        return False


def maintain(connection: psycopg.Connection[tuple[str]], home: Path) -> None:
    """Drop the databases of ended runs, and prepare new ones."""
    names = [name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()]
    for name in names:
        if name.startswith(TAKEN) and not is_locked(run_lock(home, int(name.split("_")[1]))):
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    for _missing in range(READY_DATABASES - sum(name.startswith(READY) for name in names)):
        _make_ready(connection)


def _make_ready(connection: psycopg.Connection[tuple[str]]) -> None:
    """Copy the migrated database. The copy gets the name of a ready one after its rights."""
    suffix = secrets.token_hex(4)
    made = sql.Identifier(f"making_{suffix}")
    create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY")
    connection.execute(create.format(made, sql.Identifier(OWNER_ROLE), sql.Identifier(DATABASE)))
    _copy_rights(connection, made)
    connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(made, sql.Identifier(f"{READY}{suffix}")))


def _copy_rights(connection: psycopg.Connection[tuple[str]], to: sql.Identifier) -> None:
    """Rights on a database itself, which PostgreSQL does not copy with it."""
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(to))
    rights = connection.execute(
        "SELECT format('%%s TO %%s', a.privilege_type,"
        "  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)"
        " FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a WHERE d.datname = %s",
        (DATABASE,),
    ).fetchall()
    for (right,) in rights:
        privilege, _, role = right.partition(" TO ")
        connection.execute(sql.SQL("GRANT {} ON DATABASE {} TO {}").format(sql.SQL(privilege), to, sql.SQL(role)))


def _write_address(home: Path, servers: EmbeddedServers, fingerprint: str) -> bytes:
    owner_url = urlsplit(servers.database_url(role=OWNER_ROLE))._replace(path="/{database}").geturl()
    address = Address(fingerprint, servers.database_url(), owner_url, str(servers.paths.valkey_socket))
    written = msgspec.json.encode(address)
    part = address_file(home).with_suffix(".part")
    part.write_bytes(written)
    part.replace(address_file(home))
    return written


def _wait(until: Callable[[], bool], *, seconds: float = START_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS / 10)
    return True


def main(command: str, home: Path = HOME) -> int:
    if command == "serve":
        serve(home)
        return 0
    found = find_address(home)
    if command == "stop":
        address_file(home).unlink(missing_ok=True)
        return 0 if found is None or _wait(lambda: not is_locked(host_lock(home))) else 1
    if found is None or found.fingerprint != current_fingerprint():
        start_host(home)
    if _wait(lambda: (ready := find_address(home)) is not None and ready.fingerprint == current_fingerprint()):
        print(
            "PostgreSQL and Valkey for tests are running; they end half an hour after the last run, or by `make cool`."
        )
        return 0
    with contextlib.suppress(FileNotFoundError):
        print((home / "log").read_text(), file=sys.stderr)
    return 1


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(sys.argv[1]))
