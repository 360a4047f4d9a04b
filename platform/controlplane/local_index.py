"""Start page of an installation on one machine: `http://localhost:PORT/` links to the brands' hosts.

Served only where the file with the hosts exists; elsewhere an unknown host gets no information.
"""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from branding.hosts import normal_host
from branding.relations import BRAND_DOMAINS
from foundation.database.roles import BACKUP
from foundation.web.boundary import header_text

_NAMES = {"localhost", "127.0.0.1"}


def write_hosts(owner_url: str, file: Path) -> None:
    """Write every brand's host, read as the backup role: the run-time roles see one MSP at a time."""
    with psycopg.connect(owner_url, connect_timeout=5) as connection:
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(BACKUP)))
        rows = connection.execute(f"SELECT host FROM {BRAND_DOMAINS} b ORDER BY host").fetchall()
    draft = file.with_suffix(".part")
    draft.touch(mode=0o600)
    draft.write_bytes(msgspec.json.encode([host for (host,) in rows]))
    draft.replace(file)


class PracticeSystem(msgspec.Struct, frozen=True):
    """A sandbox system of the demonstration for a newcomer to connect: `key` for the connection, `page` to look at."""

    name: str
    kind: str
    address: str
    key: str
    page: str


def write_practice(hosts: Path, systems: Sequence[PracticeSystem]) -> None:
    """Write the systems beside the file of the hosts."""
    file = _practice_file(hosts)
    file.touch(mode=0o600)  # contains their key
    file.write_bytes(msgspec.json.encode(systems))


def _practice_file(hosts: Path) -> Path:
    return hosts.with_name("practice.json")


class LocalIndex:
    def __init__(self, file: Path | None) -> None:
        self._file = file

    def links(self, scope: Mapping[str, Any]) -> list[str] | None:
        """Links to the brands; None when the request is not for this page."""
        if self._file is None or scope["path"] != "/" or not _is_of_this_machine(scope):
            return None
        try:
            hosts = msgspec.json.decode(self._file.read_bytes(), type=list[str])
        except (OSError, msgspec.DecodeError):
            return None
        port = (scope.get("server") or (None, None))[1]
        return [f"http://{host}:{port}/" if port else f"http://{host}/" for host in hosts]

    def practice(self) -> list[PracticeSystem]:
        """Systems to connect; none outside the demonstration."""
        if self._file is None:
            return []
        try:
            return msgspec.json.decode(_practice_file(self._file).read_bytes(), type=list[PracticeSystem])
        except (OSError, msgspec.DecodeError):
            return []


def _is_of_this_machine(scope: Mapping[str, Any]) -> bool:
    client = scope.get("client")
    try:
        near = client is not None and ip_address(client[0]).is_loopback
    except ValueError:
        near = False
    return near and normal_host(header_text(scope, b"host")) in _NAMES


def hosts_file(root: Path) -> Path:
    return root / "hosts.json"
