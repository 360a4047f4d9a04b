"""Servers that keep running between pytest processes, for short starts: `make warm`, `make cool`.

A run takes a database that is ready, and a number of Valkey's databases, for itself. Runs with several workers, under
CI, or on servers that the environment names never use them. Warm servers belong to one fingerprint of the schema:
after a change of a migration a run starts its own servers, and new warm ones are started meanwhile (`warm_host.py`).
"""

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec
import psycopg
from psycopg import sql

from tests.support.schema_template import ROOT, current_fingerprint

HOME = ROOT / "var" / "warm-servers"
MOST_RUNS = 4
"""Concurrent runs, each with a lock and a number of Valkey's databases, which begin at 1."""
READY, TAKEN = "ready_", "taken_"
SERVE = (sys.executable, "-m", "tests.support.warm_host", "serve")
NOT_USED_WITH = ("CI", "DATABASE_URL", "REDIS_URL", "PYTEST_XDIST_WORKER")


class Address(msgspec.Struct, frozen=True):
    """Contents of the file by which runs find the servers."""

    fingerprint: str
    admin_url: str
    owner_url: str
    """libpq URL with the placeholder `{database}`."""
    valkey_socket: str


@dataclass(frozen=True)
class WarmDatabase:
    owner_url: str
    admin_url: str
    redis_url: str


def address_file(home: Path) -> Path:
    return home / "servers.json"


def host_lock(home: Path) -> Path:
    """Lock of the process of the servers."""
    return home / "host.lock"


def run_lock(home: Path, number: int) -> Path:
    """Lock of the run that uses the number's databases."""
    return home / f"run-{number}.lock"


@contextlib.contextmanager
def warm_database(environment: Mapping[str, str], home: Path = HOME) -> Iterator[WarmDatabase | None]:
    """A warm database and a Valkey database for this run; None if the run has to start servers."""
    address = None if any(environment.get(name) for name in NOT_USED_WITH) else find_address(home)
    if address is None:
        yield None
        return
    if address.fingerprint != current_fingerprint():
        start_host(home)
        yield None
        return
    with _lock_a_number(home) as number:
        database = _take_database(address.admin_url, number) if number else None
        if database is None:
            yield None
            return
        _empty_valkey(address.valkey_socket, number)
        yield WarmDatabase(
            owner_url=address.owner_url.replace("{database}", database),
            admin_url=address.admin_url,
            redis_url=f"unix://{address.valkey_socket}?db={number}",
        )


def find_address(home: Path) -> Address | None:
    """Address of the running servers, else None."""
    try:
        found = msgspec.json.decode(address_file(home).read_bytes(), type=Address)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return found if is_locked(host_lock(home)) else None


def start_host(home: Path) -> None:
    """Start the process of the servers and return at once. The process ends if another one has the lock."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(
            SERVE,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    process.returncode = 0  # the process outlives this one, which Python would warn about


def is_locked(path: Path) -> bool:
    with path.open("a") as file:
        return not try_lock(file)


def try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _lock_a_number(home: Path) -> Iterator[int]:
    """A number reserved for this run until the block ends; 0 if all are in use."""
    for number in range(1, MOST_RUNS + 1):
        with run_lock(home, number).open("a") as file:
            if try_lock(file):
                os.utime(file.fileno())
                yield number
                return
    yield 0


def _take_database(admin_url: str, number: int) -> str | None:
    """Take a ready database by renaming it; None if none is ready."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        ready = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (READY,)
        ).fetchall()
        for (name,) in ready:
            taken = f"{TAKEN}{number}_{name.removeprefix(READY)}"
            # Another run may take it at the same time.
            with contextlib.suppress(psycopg.errors.InvalidCatalogName, psycopg.errors.ObjectInUse):
                connection.execute(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(taken))
                )
                return taken
    return None


def _empty_valkey(path: str, number: int) -> None:
    """Empty the database without the client library, which the run may not need."""
    wanted = b"+OK\r\n+OK\r\n"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(f"SELECT {number}\r\nFLUSHDB\r\n".encode())
        answer = b""
        while len(answer) < len(wanted) and (part := connection.recv(len(wanted))):
            answer += part
    assert answer == wanted, answer
