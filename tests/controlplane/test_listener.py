"""Hostile clients do not slow down others; tested against the real process."""

import os
import socket
import time
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

from controlplane.services import Services
from tests.controlplane.test_openapi import running_web

MEGABYTE = b"a" * 1_000_000
DOWNLOADS = 100


def cpu_seconds(port: int) -> float:
    """CPU seconds of the process that listens on the port: the only child with this port in its command line."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if str(port).encode() in words and b"web" in words:
                    fields = (folder / "stat").read_text().rpartition(")")[2].split()
                    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    raise LookupError(port)


def is_alive(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30) as answer:
        assert answer.status == 200


async def test_100_megabytes_of_a_header_cost_next_to_nothing(services: Services, tmp_path: Path) -> None:
    with running_web(services.settings, tmp_path / "static", tmp_path / "log") as port:
        is_alive(port)
        before = cpu_seconds(port)
        for start in (b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"GET /", b"GET / HTTP/1.1\r\n", MEGABYTE):
            with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as hostile:
                hostile.sendall(start)
                with suppress(OSError):
                    for _ in range(DOWNLOADS):
                        hostile.sendall(MEGABYTE)
                is_alive(port)
        slow = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(200)]
        for connection in slow:
            connection.sendall(b"POST /sign-in HTTP/1.1\r\nX: ")
        began = time.monotonic()
        for _ in range(20):
            is_alive(port)
        assert time.monotonic() - began < 20
        assert cpu_seconds(port) - before < 5
        for connection in slow:
            connection.close()
