"""Telemetry of every request: its correlation id, a count, a latency, a log line, a span.

Outside the framework on purpose: Litestar's own Prometheus middleware counts responses of exception handlers as 200
(litestar issue 4747). Here the status is the one that was sent.
"""

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry

from foundation.ids import NewId, new_id
from foundation.telemetry.access_log import AccessLog, AccessLogEntry
from foundation.telemetry.correlation import begin_correlation, end_correlation
from foundation.telemetry.request_metrics import RequestMetrics
from foundation.telemetry.tracing import NO_TRACING, Tracing

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADER = b"x-correlation-id"
NO_ROUTE = "(none)"
LISTENER = "(listener)"
_CLIENT_CLOSED = 499
_VALID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class ObservedApp:
    """The outermost ASGI layer.

    The correlation id is always generated here: it links the audit trail, jobs and logs, where a caller's choice could
    be confused with another request. A caller's well-formed `X-Correlation-Id` is logged beside it in the access log.
    """

    def __init__(
        self,
        app: AsgiApp,
        *,
        registry: CollectorRegistry,
        access_log: AccessLog | None = None,
        tracing: Tracing = NO_TRACING,
        make_id: NewId = new_id,
    ) -> None:
        self._app = app
        self._access_log = access_log
        self._tracing = tracing
        self._make_id = make_id
        self._metrics = RequestMetrics()
        registry.register(self._metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            try:
                await self._app(scope, receive, send)
            finally:
                if self._access_log is not None:
                    self._access_log.flush()
            return
        correlation = self._make_id().hex
        token = begin_correlation(correlation)
        try:
            if kind == "http":
                await self._observe(scope, receive, send, correlation)
            else:
                await self._app(scope, receive, send)
        finally:
            end_correlation(token)

    def note_refusal(self, status: int, correlation: str) -> None:
        """Record a response that the listener sent without a request for this application."""
        self._metrics.record("OTHER", LISTENER, status, 0.0)
        if self._access_log is not None:
            self._access_log.write(AccessLogEntry("OTHER", LISTENER, status, 0.0, correlation))

    async def _observe(self, scope: Scope, receive: Receive, send: Send, correlation: str) -> None:
        started = time.perf_counter()
        status = 0

        def sending(message: Message) -> Awaitable[None]:  # not a coroutine
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER, correlation.encode())]
            return send(message)

        try:
            if self._tracing is NO_TRACING:
                await self._app(scope, receive, sending)
            else:
                with self._tracing.span("request", **{"http.request.method": scope["method"]}):
                    await self._app(scope, receive, sending)
        except Exception:
            status = status or 500
            raise
        finally:
            # Cancelled, or abandoned by the client, before there was a response.
            self._record(scope, status or _CLIENT_CLOSED, time.perf_counter() - started, correlation)

    def _record(self, scope: Scope, status: int, seconds: float, correlation: str) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = _route(scope)
        self._metrics.record(method, route, status, seconds)
        if self._access_log is not None:
            self._access_log.write(
                AccessLogEntry(method, route, status, seconds, correlation, _correlation_of(scope["headers"]))
            )


def _route(scope: Scope) -> str:
    handler = scope.get("route_handler")
    if getattr(handler, "is_mount", False):  # Litestar names such a request after the root
        return f"{min(handler.paths)}/*"  # type: ignore[union-attr]
    return scope.get("path_template") or NO_ROUTE


def _correlation_of(headers: list[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == HEADER:
            return value.decode() if _VALID.fullmatch(value) else ""
    return ""
