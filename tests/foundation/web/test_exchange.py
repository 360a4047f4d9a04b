"""Responses as they are written to a connection."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from foundation.web.exchange import Exchange
from foundation.web.headers import NO_STORE, SECURITY_HEADERS


class Transport:
    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


async def answer(
    headers: list[Any], body: bytes = b"ab", *, method: str = "GET", status: int = 200, keep_alive: bool = True
) -> Transport:
    transport: Any = Transport()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    flow: Any = SimpleNamespace(write_paused=False)
    exchange = Exchange(
        scope={"method": method}, transport=transport, flow=flow, logger=logging.getLogger("test"), access_log=False,  # type: ignore[typeddict-item]
        access_logger=logging.getLogger("test"), default_headers=[(b"date", b"now")], message_event=asyncio.Event(),
        expect_100_continue=False, keep_alive=keep_alive, on_response=lambda: None,
    )  # fmt: skip
    await exchange.run_asgi(app)
    return transport  # type: ignore[no-any-return]


LENGTH = (b"Content-Length", b"2")


async def test_fixed_and_other_headers_are_written_once_each() -> None:
    answered = await answer(
        [*SECURITY_HEADERS, NO_STORE, LENGTH, (b"X-Own", b"1"), (b"set-cookie", b"a"), (b"set-cookie", b"b")]
    )
    head, _, body = answered.written.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[:2] == [b"HTTP/1.1 200 OK", b"date: now"]
    fixed = [b"%s: %s" % pair for pair in (*SECURITY_HEADERS, NO_STORE)]
    assert lines[2:] == [*fixed, b"content-length: 2", b"x-own: 1", b"set-cookie: a", b"set-cookie: b"]
    assert (body, answered.closed) == (b"ab", False)


@pytest.mark.parametrize(
    "bad", [(b"x-own", b"a\r\nSet-Cookie: b"), (b"x own", b"a"), (b"x-own", b"a\x00"), (b"a:b", b"")]
)
async def test_a_header_that_would_end_the_headers_is_an_error_and_not_written(
    bad: tuple[bytes, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    answered = await answer([LENGTH, bad])
    assert bad[1] not in answered.written or not bad[1]
    assert "Invalid HTTP header" in caplog.text


@pytest.mark.parametrize(("headers", "keep_alive"), [([LENGTH, (b"Connection", b"Close")], True), ([LENGTH], False)])
async def test_connection_close_is_sent_once(*, headers: list[Any], keep_alive: bool) -> None:
    answered = await answer(headers, keep_alive=keep_alive)
    assert answered.written.count(b"connection: close") == 1
    assert answered.closed


@pytest.mark.parametrize(
    ("method", "status", "chunked"),
    [("GET", 200, True), ("HEAD", 200, False), ("GET", 204, False), ("GET", 304, False)],
)
async def test_a_body_without_a_length_is_chunked(*, method: str, status: int, chunked: bool) -> None:
    answered = await answer([], b"ab" if chunked else b"", method=method, status=status)
    assert (b"transfer-encoding: chunked" in answered.written) == chunked
    assert answered.written.endswith(b"\r\n\r\n2\r\nab\r\n0\r\n\r\n" if chunked else b"\r\n\r\n")
