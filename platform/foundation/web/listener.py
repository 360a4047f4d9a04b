"""HTTP/1.1 connections with limits on bytes, time and number, enforced before a request reaches the application.

httptools buffers a header line without limit and copies it on each read, and uvicorn's timeouts cover idle keep-alive
connections only. `BoundedProtocol`, with its base `LimitedConnection`, adds a size limit for the request line and
headers, deadlines for headers, for the body and for a client that does not read its response, and a limit of
connections in total and per peer. Beyond that limit, connections that have waited longest for their client are closed
first, so slow clients displace each other and not active ones.
"""

import asyncio
from typing import Any, Final, cast
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, parse_url
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from foundation.web.connections import ConnectionTable
from foundation.web.exchange import Exchange
from foundation.web.limited_connection import BODY, HEAD, NOTHING, LimitedConnection
from foundation.web.request_head import OTHER_PROTOCOL, is_endless, names_host
from foundation.web.slow_reader import SMALL_READ

_SLICE: Final = 16 * 1024
"""Headers are parsed in pieces of this size, by which they may exceed the limit."""
_BODY_PIECE: Final = 16 * 1024
"""The application is woken once per this much of a body, not for each packet: single bytes would cost a
wake-up each.
"""
_PIPELINED: Final = 8
"""Requests that may wait behind the active one; further ones stay unread."""
_END_OF_HEAD: Final = b"\r\n\r\n"
_BODY_PART: Final = 256
"""Minimum size of the parts in which a body is parsed, even if it seems to contain many ends of heads."""
_VERSIONS: Final = frozenset({"1.0", "1.1"})


class _Refused(Exception):
    """Aborts a parser callback; the parser reports it as an error of its own."""


class BoundedProtocol(LimitedConnection):
    """One connection. uvicorn's behaviour is unchanged as long as the limits are kept."""

    # --- the transport's events

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if not self._table.add(self, self.loop):
            if len(self._table) > self._table.most + self._limits.per_peer:
                transport.abort()
            else:
                self._refuse(503)

    def connection_lost(self, exc: Exception | None) -> None:
        self._table.remove(self)
        self._slow.end_pause()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._slow.end_pause()
        if self._refused or self._due or self.transport.is_closing():
            self._discard(len(data))
            return
        if self._unread:
            self._unread += data
            return
        self._incoming = data
        if self._reading is NOTHING and not self._is_answering:
            self._await_head()
        if len(data) <= _SLICE and data.count(_END_OF_HEAD) <= 1:
            self._feed(data)
        elif self._reading is HEAD and self._is_fresh and is_endless(data, self._head_limit):
            self._refuse(414 if data.find(b"\n", 0, self._limits.url_bytes) < 0 else 431)
        else:
            self._feed_in_parts(data)
        self._incoming = b""
        if self._reading is NOTHING and not self._is_answering:
            # The rest of a body whose request was answered before: the connection is idle again.
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        elif len(data) < SMALL_READ and self._reading is not NOTHING:
            self._slow.count_small_read(self.flow, self.transport, since=self._since)

    def _feed_in_parts(self, data: bytes) -> None:
        """Parse in parts that end where a request may end, so that no more requests are parsed than may wait."""
        start = 0
        while start < len(data) and not (self._refused or self._due or self.transport.is_closing()):
            if len(self.pipeline) >= _PIPELINED:
                self._unread = data[start:]
                self.flow.pause_reading()
                return
            least = _BODY_PART if self._reading is BODY else 0
            found = data.find(_END_OF_HEAD, start + least, start + _SLICE)
            end = found + len(_END_OF_HEAD) if found >= 0 else start + _SLICE
            self._feed(data[start:end])
            start = end

    def pause_writing(self) -> None:
        self._write_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._write_since = None
        super().resume_writing()

    # --- the parser's events

    def on_message_begin(self) -> None:
        self._messages += 1
        if self._reading is not HEAD:
            self._await_head()
        self._head_bytes = self._field_bytes = 0
        self._slow.begin_request()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if len(self.url) + len(url) > self._limits.url_bytes:
            self._reject(414)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._field_bytes += len(name) + len(value) + 4
        if self._field_bytes > self._head_limit or len(self.headers) >= self._fields_limit:
            self._reject(431)
        if self._reading is not HEAD:
            return  # a trailer; the application has seen the headers already
        name = name.lower()
        value = value.rstrip(b" \t")  # the parser strips leading blanks only
        if name == b"content-length":
            if value.isdigit() and int(value[:20]) > self._limits.request_bytes:
                self._reject(413)
        elif name == b"transfer-encoding" and value.lower() != b"chunked":
            self._reject(501)
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.parser.get_http_version() not in _VERSIONS:
            self._reject(505)
        if not self.url.startswith(b"/") and not names_host(self.url, self.headers):
            self._reject(400)
        self._begin_exchange()
        self._reading = BODY
        self._since = self.loop.time()
        self._body_bytes = 0
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False  # the parser takes no further request on this connection

    def _begin_exchange(self) -> None:
        """Create the exchange. Raises when the address cannot be parsed; the parser reports it as a malformed
        request.
        """
        scope, version = self.scope, self.parser.get_http_version()
        scope["method"] = self.parser.get_method().decode("ascii")
        if version != "1.1":
            scope["http_version"] = version
        address = parse_url(self.url)
        path = address.path.decode("ascii")
        scope["path"] = self.root_path + (unquote(path) if "%" in path else path)
        scope["raw_path"] = self.root_path.encode("ascii") + address.path
        scope["query_string"] = address.query or b""
        before = self.cycle
        self.cycle = Exchange(
            scope=scope, transport=self.transport, flow=self.flow, logger=self.logger, access_log=False,
            access_logger=self.access_logger, default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(), expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(), on_response=self.on_response_complete,
        )  # fmt: skip
        if before is None or before.response_complete:
            self._is_started = False
            if self.expect_100_continue:
                self._start()
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > _BODY_PIECE:
            self._start()
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        self._reading = NOTHING
        self._start()
        super().on_message_complete()

    def _start(self) -> None:
        if not self._is_started:
            self._is_started = True
            self._start_asgi_task(self.cycle, self.app)

    def on_response_complete(self) -> None:
        if self._refused:
            return
        if self._reading is not BODY:
            self._since = self.loop.time()
        super().on_response_complete()
        if self.pipeline or self.transport.is_closing():
            return
        if self._due and (self._running is None or self._running.response_complete):
            self._end(self._due, silent=False)
        elif self._unread:
            self._incoming, self._unread = self._unread, b""
            self._feed_in_parts(self._incoming)
            self._incoming = b""

    # --- limits

    def _feed(self, data: bytes) -> None:
        reading, messages = self._reading, self._messages
        self._unset_keepalive_if_required()
        if self._line or reading is NOTHING or (reading is HEAD and self._is_fresh):
            begun = self._line + data
            self._line = b"" if b"\n" in data else begun[: self._limits.url_bytes]
            if OTHER_PROTOCOL.match(begun):
                self._reading = HEAD
                self._refuse(400)
                return
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade:  # not offered here, so the request is an ordinary one
            pass
        except HttpParserError:
            self._refuse(self._refusal or 400)
        self._is_fresh = False
        if self._refused or self._due or self.transport.is_closing() or messages != self._messages:
            return
        if reading is HEAD and self._reading is HEAD:
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes:
                self._refuse(431)
        elif reading is BODY:
            self._body_bytes += len(data)
            if self._body_bytes > self._limits.request_bytes:
                self._refuse(413)

    def _reject(self, status: int) -> None:
        self._refusal = status
        raise _Refused


def bounded_protocol(table: ConnectionTable) -> type[asyncio.Protocol]:
    """Protocol factory for uvicorn's `http` setting, called for each new connection."""

    def create(**kwargs: Any) -> BoundedProtocol:
        return BoundedProtocol(**kwargs, table=table)

    return cast("type[asyncio.Protocol]", create)
