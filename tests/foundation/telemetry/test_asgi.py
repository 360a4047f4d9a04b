"""Telemetry of every request, around a real Litestar application."""

import asyncio
import io
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from litestar import Litestar, WebSocket, asgi, get, post, websocket
from litestar.exceptions import PermissionDeniedException
from litestar.params import FromPath
from litestar.response import Response
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest

from foundation.errors import DomainError, NotFound
from foundation.telemetry import access_log
from foundation.telemetry.access_log import AccessLog
from foundation.telemetry.asgi import ObservedApp
from foundation.telemetry.correlation import current_correlation
from foundation.telemetry.open_telemetry import OpenTelemetryTracing


@get("/things/{thing:str}", sync_to_thread=False)
def read_thing(thing: FromPath[str]) -> dict[str, str]:
    return {"thing": thing, "correlation": current_correlation()}


@post("/refusals", sync_to_thread=False)
def refuse() -> None:
    raise NotFound


@get("/forbidden", sync_to_thread=False)
def forbid() -> None:
    raise PermissionDeniedException


@get("/faults", sync_to_thread=False)
def fail() -> None:
    raise ZeroDivisionError


@websocket("/socket")
async def socket(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    await socket.send_text(current_correlation())
    await socket.close()


@get("/", sync_to_thread=False)
def start() -> str:
    return "start"


@asgi("/hooks", is_mount=True, copy_scope=True)
async def hooks(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 202, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def answer_refusal(_: object, error: DomainError) -> Response[str]:
    return Response(error.detail, status_code=error.status)


@dataclass
class Observed:
    """An application with its metrics, called directly as ASGI."""

    app: ObservedApp
    registry: CollectorRegistry
    lines: io.BytesIO
    sent: list[dict[str, Any]] = field(default_factory=list)

    async def call(self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> "Answer":
        sent: list[dict[str, Any]] = []
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
            "raw_path": path.encode(), "root_path": "", "scheme": "http", "query_string": b"token=hidden",
            "headers": [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "state": {},
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        return Answer(sent)

    def figures(self) -> str:
        return generate_latest(self.registry).decode()

    def access(self) -> list[dict[str, Any]]:
        assert self.app._access_log is not None
        self.app._access_log.flush()
        return [msgspec.json.decode(line) for line in self.lines.getvalue().splitlines()]


class Answer:
    def __init__(self, sent: list[dict[str, Any]]) -> None:
        self.status = sent[0]["status"]
        self.headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        self.body = b"".join(message.get("body", b"") for message in sent[1:])


def observe(app: Callable[..., Awaitable[None]], **options: Any) -> Observed:
    registry, lines = CollectorRegistry(), io.BytesIO()
    log = AccessLog(json=True, output=lines)
    return Observed(ObservedApp(app, registry=registry, access_log=log, **options), registry, lines)


@pytest.fixture
def observed() -> Observed:
    app = Litestar(
        [start, read_thing, refuse, forbid, fail, socket, hooks], exception_handlers={DomainError: answer_refusal}
    )
    return observe(app)


class TestFigures:
    @pytest.mark.parametrize(
        ("method", "path", "route", "status"),
        [
            ("GET", "/things/4711", "/things/{thing}", 200),
            ("POST", "/refusals", "/refusals", 404),
            ("GET", "/forbidden", "/forbidden", 403),
            ("GET", "/faults", "/faults", 500),
            ("GET", "/", "/", 200),
            ("POST", "/hooks/4711", "/hooks/*", 202),
            ("GET", "/nowhere/4711", "(none)", 404),
            ("BREW", "/things/1", None, 405),
        ],
    )
    async def test_the_status_that_was_sent_is_counted_under_the_route(
        self, observed: Observed, method: str, path: str, route: str | None, status: int
    ) -> None:
        assert (await observed.call(path, method=method)).status == status

        counted = [line for line in observed.figures().splitlines() if line.startswith("fairlead_http_requests_total")]
        assert len(counted) == 1
        assert f'status="{status}"' in counted[0]
        assert "4711" not in counted[0]
        if route is not None:
            assert f'method="{method}",route="{route}"' in counted[0]
        else:
            assert 'method="OTHER"' in counted[0]

    async def test_latency_adds_up_over_the_statuses_of_a_route(self, observed: Observed) -> None:
        for path in ("/things/1", "/things/2"):
            await observed.call(path)

        figures = observed.figures()
        assert 'fairlead_http_seconds_count{method="GET",route="/things/{thing}"} 2.0' in figures
        assert 'fairlead_http_seconds_bucket{le="+Inf",method="GET",route="/things/{thing}"} 2.0' in figures
        counts = [
            float(line.rsplit(" ", 1)[1]) for line in figures.splitlines() if line.startswith("fairlead_http_seconds_b")
        ]
        assert counts == sorted(counts)

    async def test_an_unhandled_error_is_a_500_and_is_raised(self) -> None:
        async def broken(scope: Any, receive: Any, send: Any) -> None:
            raise ZeroDivisionError

        observed = observe(broken)
        with pytest.raises(ZeroDivisionError):
            await observed.call("/")
        assert 'status="500"' in observed.figures()

    async def test_a_disconnected_caller_is_a_499(self) -> None:
        async def slow(scope: Any, receive: Any, send: Any) -> None:
            raise asyncio.CancelledError

        observed = observe(slow)
        with pytest.raises(asyncio.CancelledError):
            await observed.call("/")
        assert 'status="499"' in observed.figures()


class TestCorrelation:
    async def test_a_new_id_reaches_the_handler_and_the_answer(self, observed: Observed) -> None:
        answer = await observed.call("/things/1")

        correlation = answer.headers["x-correlation-id"]
        assert len(correlation) == 32
        assert msgspec.json.decode(answer.body)["correlation"] == correlation
        assert current_correlation() == ""

    async def test_each_request_has_its_own(self, observed: Observed) -> None:
        answers = await asyncio.gather(*(observed.call("/things/1") for _ in range(10)))

        assert len({answer.headers["x-correlation-id"] for answer in answers}) == 10
        for answer in answers:
            assert msgspec.json.decode(answer.body)["correlation"] == answer.headers["x-correlation-id"]

    @pytest.mark.parametrize("path", ["/refusals", "/faults", "/nowhere"])
    async def test_refusals_and_faults_carry_it_too(self, observed: Observed, path: str) -> None:
        assert "x-correlation-id" in (await observed.call(path)).headers

    @pytest.mark.parametrize("given", ["abc-1234", "0199f2c4b8a07e1f8a3e1d2c3b4a5968", "A.b_c-12345"])
    async def test_a_callers_own_id_is_logged_beside_ours(self, observed: Observed, given: str) -> None:
        """External ids are stored separately from ours."""
        answer = await observed.call("/things/1", headers={"X-Correlation-Id": given})

        ours = answer.headers["x-correlation-id"]
        assert ours != given
        assert msgspec.json.decode(answer.body)["correlation"] == ours
        [line] = observed.access()
        assert (line["correlation"], line["caller_correlation"]) == (ours, given)

    @pytest.mark.parametrize(
        "given", ["", "short", "x" * 65, "with space", 'quote"12345', "line\n12345678", "-starts1"]
    )
    async def test_an_id_that_could_do_harm_is_replaced(self, observed: Observed, given: str) -> None:
        answer = await observed.call("/things/1", headers={"X-Correlation-Id": given})

        assert answer.headers["x-correlation-id"] != given

    async def test_sockets_have_one(self, observed: Observed) -> None:
        sent = []

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "websocket", "path": "/socket", "raw_path": b"/socket", "root_path": "", "scheme": "ws",
            "query_string": b"", "headers": [(b"x-correlation-id", b"abc-12345")], "client": None, "server": None,
            "subprotocols": [], "state": {}, "asgi": {"version": "3.0"}, "extensions": {},
        }  # fmt: skip
        await observed.app(scope, receive, send)

        assert "abc-12345" not in str(sent)
        assert re.search(r"[0-9a-f]{32}", str(sent))


class TestAccessLog:
    async def test_one_line_per_request_without_path_values_and_queries(self, observed: Observed) -> None:
        answer = await observed.call("/things/secret-thing")

        (line,) = observed.access()
        assert line["event"] == "request"
        assert (line["method"], line["route"], line["status"]) == ("GET", "/things/{thing}", 200)
        assert line["correlation"] == answer.headers["x-correlation-id"]
        assert line["ms"] >= 0
        assert "secret-thing" not in observed.lines.getvalue().decode()
        assert "hidden" not in observed.lines.getvalue().decode()

    async def test_lines_are_written_together_and_at_the_end(
        self, observed: Observed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(access_log, "_FLUSH_SECONDS", 600)
        for _ in range(3):
            await observed.call("/things/1")
        assert observed.lines.getvalue() == b""

        async def events() -> dict[str, Any]:
            return await pending.get()

        pending: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for kind in ("lifespan.startup", "lifespan.shutdown"):
            pending.put_nowait({"type": kind})

        async def ignore(_: Any) -> None:
            return

        await observed.app({"type": "lifespan", "state": {}, "asgi": {}}, events, ignore)
        assert observed.lines.getvalue().count(b"\n") == 3


async def test_a_span_belongs_to_the_trace_of_its_correlation() -> None:
    exporter = InMemorySpanExporter()
    tracing = OpenTelemetryTracing(SimpleSpanProcessor(exporter), service="test")
    observed = observe(Litestar([read_thing]), tracing=tracing)

    answer = await observed.call("/things/1")

    (span,) = exporter.get_finished_spans()
    assert f"{span.context.trace_id:032x}" == answer.headers["x-correlation-id"]
    tracing.close()
