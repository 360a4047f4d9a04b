"""Shows that this process does its work, to whoever can replace it: the supervisor by a file's time, a cluster by HTTP.

A beat comes from the very loop that does the work. A thread beside it would answer while everything else stands still.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

BEAT_SECONDS = 1.0
SILENT_SECONDS = 30.0
"""Many times the longest pause of a healthy process on a machine that has far too much to do."""


class Pulse:
    def __init__(self, file: Path | None = None, *, now: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._now = now
        self._beaten_at = now()

    def beat(self) -> None:
        self._beaten_at = self._now()
        if self._file is not None:
            self._file.touch()

    @property
    def silent_seconds(self) -> float:
        return self._now() - self._beaten_at


class Readiness:
    """Why a process does not take work yet; empty once it does."""

    def __init__(self, problem: str = "starting") -> None:
        self.problem = problem

    def set(self, problem: str) -> None:
        self.problem = problem


READY = Readiness("")


def serve_metrics(port: int, registry: CollectorRegistry, pulse: Pulse, readiness: Readiness = READY) -> int:
    """`/healthz` answers 503 when the pulse has stopped, `/readyz` until the process takes work; every other path is
    the metrics.

    Returns the port, which the system chooses when `port` is 0.
    """
    metrics = make_wsgi_app(registry)

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/readyz":
            problem = readiness.problem
            start_response("503 Service Unavailable" if problem else "200 OK", [("Content-Type", "text/plain")])
            return [f"{problem or 'ok'}\n".encode()]
        if environ["PATH_INFO"] != "/healthz":
            return metrics(environ, start_response)  # type: ignore[no-any-return]
        beats = pulse.silent_seconds < SILENT_SECONDS
        start_response("200 OK" if beats else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"ok\n" if beats else b"no pulse\n"]

    server = make_server("0.0.0.0", port, app, server_class=_Server, handler_class=_Quiet)  # noqa: S104 - as the chart wants
    Thread(target=server.serve_forever, name="fairlead-metrics", daemon=True).start()
    return server.server_port


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's names
        pass
