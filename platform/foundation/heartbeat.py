"""Liveness and readiness of a process, for the supervisor (a file's modification time) and for Kubernetes (HTTP).

A tick comes from the very loop that does the process's work. A separate thread would respond while that loop hangs.
"""

import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, Final

import uvicorn
from prometheus_client import CollectorRegistry, make_asgi_app

from foundation.web.boundary import Boundary
from foundation.web.connections import ConnectionTable, Limits
from foundation.web.headers import NO_STORE, SECURITY_HEADERS
from foundation.web.listener import bounded_protocol

TICK_SECONDS = 1.0
SILENT_SECONDS = 30.0
"""Many times the longest pause of a healthy process on a heavily overloaded machine."""

_LIMITS: Final = Limits(request_bytes=64 * 1024, body_seconds=5.0, head_seconds=5.0, connections=64, per_peer=32)


class Heartbeat:
    def __init__(self, file: Path | None = None, *, now: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._now = now
        self._ticked_at = now()

    def tick(self) -> None:
        self._ticked_at = self._now()
        if self._file is not None:
            self._file.touch()

    @property
    def silent_seconds(self) -> float:
        return self._now() - self._ticked_at


class Readiness:
    """Reason why a process does not accept work yet; empty once it does."""

    def __init__(self, problem: str = "starting") -> None:
        self.problem = problem

    def set(self, problem: str) -> None:
        self.problem = problem


READY = Readiness("")


def serve_metrics(port: int, registry: CollectorRegistry, heartbeat: Heartbeat, readiness: Readiness = READY) -> int:
    """Serve `/healthz` (503 when the heartbeat has stopped), `/readyz` (503 until the process accepts work) and the
    metrics on every other path. Runs in a thread with its own event loop, behind the same limits as the web.

    Returns the port, which the system chooses when `port` is 0.
    """
    metrics = Boundary(make_asgi_app(registry))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/readyz":
            await _answer(send, 503 if readiness.problem else 200, readiness.problem or "ok")
        elif scope["path"] == "/healthz":
            alive = heartbeat.silent_seconds < SILENT_SECONDS
            await _answer(send, 200 if alive else 503, "ok" if alive else "no heartbeat")
        else:
            # Its format negotiation decodes headers; non-ASCII ones have no meaning there.
            scope["headers"] = [pair for pair in scope["headers"] if pair[1].isascii()]
            await metrics(scope, receive, send)

    config = uvicorn.Config(
        app, log_config=None, access_log=False, loop="uvloop", http=bounded_protocol(ConnectionTable(_LIMITS)),
        ws="none", lifespan="off", proxy_headers=False, server_header=False,
    )  # fmt: skip
    listener = socket.create_server(("0.0.0.0", port), backlog=64)  # noqa: S104 - required by the Helm chart
    run = partial(uvicorn.Server(config).run, sockets=[listener])
    Thread(target=run, name="fairlead-metrics", daemon=True).start()
    return int(listener.getsockname()[1])


async def _answer(send: Any, status: int, text: str) -> None:
    body = f"{text}\n".encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body)), NO_STORE, *SECURITY_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
