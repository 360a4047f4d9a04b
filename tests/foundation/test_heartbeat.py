"""A process's heartbeat, as a file and over HTTP."""

import socket
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter

from foundation.heartbeat import SILENT_SECONDS, Heartbeat, serve_metrics


def asked(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_heartbeat_is_written_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    Heartbeat(file).tick()
    assert file.exists()


def test_healthz_reports_a_stopped_heartbeat_and_metrics_continue() -> None:
    times = [0.0]
    registry = CollectorRegistry()
    Counter("fairlead_test", "A figure", registry=registry).inc()
    heartbeat = Heartbeat(now=lambda: times[0])
    port = serve_metrics(0, registry, heartbeat)
    assert asked(port, "/healthz") == (200, "ok\n")
    times[0] = SILENT_SECONDS + 1
    assert asked(port, "/healthz") == (503, "no heartbeat\n")
    assert "fairlead_test_total 1.0" in asked(port, "/metrics")[1]
    heartbeat.tick()
    assert asked(port, "/healthz")[0] == 200


def test_the_metrics_port_has_the_same_limits() -> None:
    port = serve_metrics(0, CollectorRegistry(), Heartbeat())
    with socket.create_connection(("127.0.0.1", port), timeout=30) as hostile:
        with suppress(OSError):
            hostile.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 300_000)
        assert hostile.recv(100).startswith(b"HTTP/1.1 431 ")
    slow = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(100)]
    assert asked(port, "/healthz") == (200, "ok\n")
    for connection in slow:
        connection.close()


def test_the_metrics_port_accepts_any_header_and_sends_security_headers() -> None:
    """Content negotiation decodes headers, and failed on bytes that are not UTF-8."""
    port = serve_metrics(0, CollectorRegistry(), Heartbeat())
    for header in (b"Accept: \xff", b"Accept-Encoding: \xff, gzip;q=nan", b"X: \xff"):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as asking:
            asking.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + header + b"\r\n\r\n")
            answer = asking.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.count(b"x-content-type-options: nosniff") == 1
