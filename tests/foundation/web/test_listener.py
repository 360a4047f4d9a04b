"""The listener's limits, over real sockets."""

import itertools
import logging
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import msgspec
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from foundation.web.connections import ConnectionTable, Limits
from foundation.web.errors import BodyTooLarge, HeadersTooLarge, MalformedRequest, RequestTimedOut
from foundation.web.headers import SECURITY_HEADERS
from foundation.web.listener import bounded_protocol
from foundation.web.problems import PROBLEM_TYPE

QUICK = Limits(head_seconds=1.0, body_seconds=1.0, write_seconds=1.0, linger_seconds=0.5)
GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Application that answers the body's size; `/large` 8 MB, `/host` the host, `/turns` the body's number of parts;
    `/early` answers without reading.
    """
    if scope["type"] != "http":
        return
    size, turns, path = 0, 0, scope["path"]
    while path != "/early":
        message = await receive()
        turns += 1
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    host = dict(scope["headers"]).get(b"host", b"")
    body = {"/large": b"x" * 8_000_000, "/host": host, "/turns": b"%d" % turns}.get(
        path, b"%d %d" % (size, len(scope["headers"]))
    )
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Listener:
    def __init__(self, limits: Limits, **options: Any) -> None:
        self.table = ConnectionTable(limits, **options)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, loop="uvloop", http=bounded_protocol(self.table), ws="none",
            lifespan="off", timeout_graceful_shutdown=1, timeout_keep_alive=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()


@pytest.fixture
def listener(request: pytest.FixtureRequest) -> Iterator[Listener]:
    started = Listener(msgspec.structs.replace(QUICK, **getattr(request, "param", {})))
    yield started
    started.stop()


def read_all(connection: socket.socket) -> bytes:
    """Read until the listener closes the connection."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def read_answer(connection: socket.socket) -> bytes:
    """One response with a Content-Length."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = connection.recv(65536)
        assert part, answer
        answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def send_some(connection: socket.socket, chunk: bytes, times: int) -> int:
    """Number of chunks that the listener read before it closed the connection."""
    for sent in range(times):
        try:
            connection.sendall(chunk)
        except OSError:
            return sent
    return times


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def test_a_header_line_without_end_is_refused_at_its_limit_and_costs_others_nothing(listener: Listener) -> None:
    with closing(listener.connect()) as hostile:
        hostile.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        taken = send_some(hostile, b"a" * 1_000_000, 100)
        began = time.monotonic()
        with closing(listener.connect()) as other:
            other.sendall(GET)
            assert status_of(read_answer(other)) == 200
        assert time.monotonic() - began < 1
        assert status_of(read_all(hostile)) == 431
        assert taken < 30


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + (b"X: " + b"a" * 3000 + b"\r\n") * 30 + b"\r\n", 431),
        (b"GET /" + b"a" * 34_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /" + b"a" * 200_000, 414),
        (b"\r\n" * 60_000, 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9" + b"9" * 400 + b"\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 400),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 400),
        (b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET http://a:99999/ HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET http://a@evil.example/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    ],
)
def test_oversized_and_malformed_requests_are_refused_with_all_headers(
    listener: Listener, request_head: bytes, status: int
) -> None:
    with closing(listener.connect()) as connection:
        send_some(connection, request_head, 1)
        answer = read_all(connection)
    assert status_of(answer) == status
    head = answer.partition(b"\r\n\r\n")[0]
    for name, value in SECURITY_HEADERS:
        assert name + b": " + value in head
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    assert b"cache-control: no-store" in head


def test_the_listener_reports_a_mistake_as_the_application_does(caplog: pytest.LogCaptureFixture) -> None:
    """`correlation` is declared for each problem, so that its id leads to the entry in the access log."""
    noted: list[tuple[int, str]] = []
    started = Listener(QUICK, note_refusal=lambda status, correlation: noted.append((status, correlation)))
    for request, error in (
        (b"nonsense\r\n\r\n", MalformedRequest),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", BodyTooLarge),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", HeadersTooLarge),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX", RequestTimedOut),
    ):
        with closing(started.connect()) as connection:
            connection.sendall(request)
            answer = read_all(connection)
        body = msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])
        assert (body["type"], body["title"]) == (f"/problems/{error.code}", error.title)
        assert noted.pop() == (error.status, body["correlation"])
        assert b"x-correlation-id: " + body["correlation"].encode() in answer
    started.stop()
    assert noted == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_blanks_around_a_value_are_no_part_of_it(listener: Listener) -> None:
    with closing(listener.connect()) as connection:
        connection.sendall(b"POST /host HTTP/1.1\r\nHost: \t a \t \r\nTransfer-Encoding: chunked \r\n\r\n0\r\n\r\n")
        assert read_answer(connection).endswith(b"\r\n\r\na")


def test_the_longest_text_of_a_form_fits_into_an_address(listener: Listener) -> None:
    with closing(listener.connect()) as connection:
        connection.sendall(b"GET /?q=" + b"%F0%9F%98%80" * 2_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert status_of(read_answer(connection)) == 200


def test_ordinary_requests_are_as_before(listener: Listener) -> None:
    with closing(listener.connect()) as connection:
        for _ in range(3):
            connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + b"b" * 200_000)
            assert read_answer(connection).endswith(b"200000 2")
        connection.sendall(GET + GET)
        assert read_answer(connection).count(b"HTTP/1.1 200") >= 1


def test_a_trailer_adds_no_header(listener: Listener) -> None:
    with closing(listener.connect()) as connection:
        chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Late: 1\r\n\r\n"
        connection.sendall(chunked)
        assert read_answer(connection).endswith(b"3 2")


@pytest.mark.parametrize("drip", [b"GET / HTTP/1.1\r\nX: ", b"\r\n"])
def test_endless_headers_time_out_at_any_rate(listener: Listener, drip: bytes) -> None:
    with closing(listener.connect()) as connection:
        connection.sendall(drip)
        connection.settimeout(0.2)
        until, answer = time.monotonic() + 6, b""
        while time.monotonic() < until and b"\r\n\r\n" not in answer:
            try:
                connection.sendall(drip[-2:])
                answer += connection.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                break
        assert time.monotonic() < until
        assert not answer or status_of(answer) == 408


def test_a_silent_connection_is_closed_without_an_answer(listener: Listener) -> None:
    with closing(listener.connect()) as connection:
        assert read_all(connection) == b""


@pytest.mark.parametrize("path", [b"/", b"/early"])
def test_an_endless_body_times_out(listener: Listener, path: bytes) -> None:
    with closing(listener.connect()) as connection:
        connection.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n" + b"a" * 20_000)
        assert status_of(read_all(connection)) == (408 if path == b"/" else 200)


@pytest.mark.parametrize("listener", [{"body_seconds": 3.0}], indirect=True)
@pytest.mark.parametrize("seconds", [0.1, 0.3])
def test_a_body_that_drips_never_reaches_the_application(listener: Listener, seconds: float) -> None:
    """The application would answer 200 without reading. The deadline applies also to a client that is read seldom."""
    with closing(listener.connect()) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n")
        connection.settimeout(seconds)
        began, answer = time.monotonic(), b""
        while not answer:
            assert time.monotonic() - began < 15
            connection.sendall(b"a")
            with suppress(TimeoutError):
                answer = connection.recv(65536)
        assert status_of(answer) == 408


@pytest.mark.parametrize("listener", [{"head_seconds": 20.0, "body_seconds": 20.0}], indirect=True)
@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n\r\n" + b"a" * 400, b"400 2"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 60 + b"\r\n", b"0 61"),
    ],
)
def test_a_slow_client_is_read_seldom_and_answered(listener: Listener, sent: bytes, answer: bytes) -> None:
    pauses = Counter[str]()
    next_moment = listener.table.next_moment
    listener.table.next_moment = lambda: pauses.update(("",)) or next_moment()  # type: ignore[method-assign]
    with closing(listener.connect()) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in sent[:-1]:
            connection.sendall(bytes([byte]))
            threading.Event().wait(0.005)
        connection.sendall(sent[-1:])
        assert read_answer(connection).endswith(b"\r\n\r\n" + answer)
    assert 1 <= pauses.total() < 10


@given(st.integers(1, 500))
def test_moments_are_spread_evenly(number: int) -> None:
    table = ConnectionTable(Limits())
    moments = sorted(table.next_moment() for _ in range(number))
    assert all(0 <= moment < 1 for moment in moments)
    gaps = [after - before for before, after in itertools.pairwise([moments[-1] - 1, *moments])]
    assert max(gaps) < 3 / number


@pytest.mark.parametrize("listener", [{"request_bytes": 100_000}], indirect=True)
def test_a_body_in_tiny_chunks_is_bounded_as_it_is_sent(listener: Listener) -> None:
    with closing(listener.connect()) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        send_some(connection, b"1;" + b"e" * 1000 + b"\r\na\r\n", 300)
        assert status_of(read_all(connection)) == 413


def test_a_body_byte_by_byte_is_one_turn_of_the_application(listener: Listener) -> None:
    with closing(listener.connect()) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"POST /turns HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n")
        for _ in range(20):
            connection.sendall(b"a")
            threading.Event().wait(0.01)
        assert read_answer(connection).endswith(b"\r\n\r\n1")
        connection.sendall(b"POST /turns HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + b"a" * 200_000)
        assert int(read_answer(connection).rpartition(b"\r\n")[2]) > 1


@pytest.mark.parametrize("cut", range(-4, 1))
def test_a_long_body_after_headers_in_two_parts_is_read(listener: Listener, cut: int) -> None:
    """The body has no line break, like headers without an end."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n"
    sent = head + b"a" * 200_000
    with closing(listener.connect()) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in (sent[: len(head) + cut], sent[len(head) + cut :]):
            connection.sendall(part)
            threading.Event().wait(0.05)
        assert status_of(read_answer(connection)) == 200


def test_a_client_that_does_not_read_its_answer_is_dropped(listener: Listener) -> None:
    with closing(listener.connect()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        until = time.monotonic() + 10
        while len(listener.table) == 0:
            assert time.monotonic() < until
        while len(listener.table) > 0:
            assert time.monotonic() < until
            threading.Event().wait(0.05)


def test_a_connection_is_idle_again_after_an_early_answer(listener: Listener) -> None:
    with closing(listener.connect()) as connection:
        connection.sendall(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n" + b"a" * 20_000)
        assert status_of(read_answer(connection)) == 200
        connection.sendall(b"a" * 20_000 + GET)
        assert status_of(read_answer(connection)) == 200
        assert read_all(connection) == b""


@pytest.mark.parametrize(
    "listener", [{"connections": 40, "head_seconds": 60.0}, {"per_peer": 40, "head_seconds": 60.0}], indirect=True
)
def test_slow_connections_beyond_the_limit_displace_each_other(listener: Listener) -> None:
    slow = []
    for _ in range(120):
        connection = listener.connect()
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        slow.append(connection)
        with closing(listener.connect()) as honest:
            honest.sendall(GET)
            assert status_of(read_answer(honest)) == 200
    assert status_of(read_all(slow[0])) == 503
    for connection in slow:
        connection.close()


def test_an_exempt_peer_has_no_limit_of_its_own() -> None:
    limits = msgspec.structs.replace(QUICK, per_peer=4, head_seconds=60.0)
    started = Listener(limits, is_exempt=lambda host: host == "127.0.0.1")
    open_ones = [started.connect() for _ in range(20)]
    for connection in open_ones:
        connection.sendall(GET)
        assert status_of(read_answer(connection)) == 200
        connection.close()
    started.stop()


def test_an_absolute_address_of_the_same_host_is_served(listener: Listener) -> None:
    with closing(listener.connect()) as connection:
        connection.sendall(b"GET HTTP://A/healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert status_of(read_answer(connection)) == 200


def test_a_refusal_during_a_response_is_no_server_error(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    """A client that pipelines gets the responses to the earlier requests in order."""
    post = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    for before, behind, refusal in (
        (3, b"nonsense\r\n\r\n", 400),
        (20, b"nonsense\r\n\r\n", 400),
        (2, b"GET / HTTP/2.0\r\n\r\n", 505),
        (1, b"GET / RTSP/1.0\r\nHost: a\r\n\r\n", 400),
        (2, post % 9_000_000_000, 413),
        (2, b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n\r\n", 414),
    ):
        with closing(listener.connect()) as connection:
            connection.sendall(GET * before + behind)
            answers = re.findall(rb"HTTP/1\.1 (\d+) ", read_all(connection))
            assert [int(status) for status in answers] == [*[200] * before, refusal]
    with closing(listener.connect()) as connection:
        connection.sendall(GET)
        assert status_of(read_answer(connection)) == 200
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("pieces", [1, 7])
def test_many_pipelined_requests_are_all_answered_in_order(listener: Listener, pieces: int) -> None:
    """Requests that arrive faster than they are answered are left unread; none is refused."""
    requests = 2_000
    bodies = [b"x" * (number % 50) for number in range(requests)]
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s"
    sent = b"".join(post % (len(body), body) for body in bodies)
    with closing(listener.connect()) as connection:
        size = len(sent) // pieces + 1

        def send() -> None:
            for at in range(0, len(sent), size):
                connection.sendall(sent[at : at + size])

        sender = threading.Thread(target=send)
        sender.start()
        got, wanted = b"", [b"%d 2" % len(body) for body in bodies]
        while len(found := re.findall(rb"\r\n\r\n(\d+ 2)", got)) < requests:
            part = connection.recv(1 << 20)
            assert part, got[-500:]
            got += part
        sender.join()
    assert found == wanted


@pytest.mark.parametrize(
    "line", [b"GET / RTSP/1.0", b"POST / RTSP/1.0", b"GET / ICE/1.0", b"\r\nGET / RTSP/1.1", b"OPTIONS / RTSP/1.0"]
)
@pytest.mark.parametrize("cut", [0, 4, 9])
def test_protocols_similar_to_http_are_refused(listener: Listener, line: bytes, cut: int) -> None:
    sent = line + b"\r\nHost: a\r\n\r\n"
    with closing(listener.connect()) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(GET)
        read_answer(connection)
        for part in filter(None, (sent[:cut], sent[cut:])):
            connection.sendall(part)
        assert status_of(read_all(connection)) == 400


def test_protocol_names_in_an_address_or_a_body_are_served(listener: Listener) -> None:
    body = b"\r\n\r\nGET / RTSP/1.0\r\n\r\n"
    with closing(listener.connect()) as connection:
        connection.sendall(b"POST /x-RTSP/1.0/ICE/1.0 HTTP/1.1\r\nHost: a\r\nX: GET / RTSP/1.0\r\n")
        connection.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body + GET)
        assert status_of(read_answer(connection)) == 200
        connection.sendall(GET)
        assert status_of(read_answer(connection)) == 200


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n%s\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\n%sCookie: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\n%sContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\n%sContent-Length: 9\r\n\r\n", 408),
        (b"GET / HTTP/1.1\r\nHost: a\r\n%s nonsense\r\n\r\n", 400),
    ],
)
def test_a_browser_gets_a_refusal_as_a_page(listener: Listener, request_head: bytes, status: int) -> None:
    for accept, kind in (
        (b"Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n", b"text/html; charset=utf-8"),
        (b"Accept: application/json, text/html;q=0.5\r\n", PROBLEM_TYPE.encode()),
        (b"Accept: text/html;q=0\r\n", PROBLEM_TYPE.encode()),
        (b"", PROBLEM_TYPE.encode()),
    ):
        with closing(listener.connect()) as connection:
            connection.sendall(request_head % accept)
            answer = read_all(connection)
        assert status_of(answer) == status
        assert b"\r\ncontent-type: %s\r\n" % kind in answer, accept
        for name, value in SECURITY_HEADERS:
            assert answer.count(b"%s: %s\r\n" % (name, value)) == 1
        assert b"<title>" in answer or kind == PROBLEM_TYPE.encode()
    with closing(listener.connect()) as connection:
        connection.sendall((request_head % b"Accept: text/html\r\n").replace(b" /", b" /api/", 1))
        assert PROBLEM_TYPE.encode() in read_all(connection)
