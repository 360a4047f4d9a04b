"""HTTP/1.1 connections with limits on bytes, time and number, enforced before a request reaches the application.

httptools buffers a header line without limit and copies it on each read, and uvicorn's timeouts cover idle keep-alive
connections only. `BoundedProtocol` adds what is missing: a size limit for the request line and headers, deadlines for
headers, for the body and for a client that does not read its response, and a limit of connections in total and per
peer. Beyond that limit, connections that have waited longest for their client are closed first, so slow clients
displace each other and not active ones.
"""

import asyncio
from enum import Enum
from typing import Any, Final, cast
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, parse_url
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from foundation.web.connections import ConnectionTable
from foundation.web.exchange import Exchange
from foundation.web.request_head import OTHER_PROTOCOL, is_endless, names_host, wants_page
from foundation.web.slow_reader import SMALL_READ, SlowReader

_SLICE: Final = 16 * 1024
"""Headers are parsed in pieces of this size, by which they may exceed the limit."""
_BODY_PIECE: Final = 16 * 1024
"""The application is woken once per this much of a body, not for each packet: single bytes would cost a
wake-up each.
"""
_DISCARDED: Final = 64 * 1024
"""Bytes that a refused client may still send before reading stops; closing at once would reset the connection and could
lose the response.
"""
_PIPELINED: Final = 8
"""Requests that may wait behind the active one; further ones stay unread."""
_END_OF_HEAD: Final = b"\r\n\r\n"
_BODY_PART: Final = 256
"""Minimum size of the parts in which a body is parsed, however many ends of heads it seems to contain."""
_VERSIONS: Final = frozenset({"1.0", "1.1"})


class _Reading(Enum):
    NOTHING = 0
    HEAD = 1
    BODY = 2


_NOTHING, _HEAD, _BODY = _Reading
"""Globals, because they are read for each header: an Enum's class attribute costs more."""


class _Refused(Exception):
    """Aborts a parser callback; the parser reports it as an error of its own."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. uvicorn's behaviour is unchanged as long as the limits are kept."""

    peer = ""

    def __init__(self, *args: Any, table: ConnectionTable, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url, self.headers = b"", []  # a connection may be refused before its first request
        self._table = table
        self._limits = table.limits
        self._head_limit, self._fields_limit = table.limits.head_bytes, table.limits.fields
        self._reading = _HEAD
        self._since = self.loop.time()
        """Since when this side has waited for the client, in the loop's time."""
        self._write_since: float | None = None
        self._closing_since: float | None = None
        self._is_fresh = True
        """No byte of this request has been parsed yet."""
        self._head_bytes = 0
        self._field_bytes = 0
        self._body_bytes = 0
        self._discarded = 0
        self._messages = 0
        self._refusal = 0
        self._refused = False
        self._due = 0
        """Status of the refusal to send after the responses to earlier requests."""
        self._unread = b""
        """Bytes received beyond `_PIPELINED` requests."""
        self._incoming = b""
        """The bytes being parsed: a request may be refused before its headers are."""
        self._line = b""
        """The beginning of a request line whose end has not arrived."""
        self._slow = SlowReader(self.loop, table.next_moment)
        self._is_started = True
        """Whether the application has the newest request, or will have it after the ones before. It gets a request when
        its body is complete or `_BODY_PIECE` long: a client that sends no body costs no work.
        """
        self._running: RequestResponseCycle | None = None
        """The request that is being served; `cycle` is the newest, which may wait behind it."""

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
        if self._reading is _NOTHING and not self._is_answering:
            self._await_head()
        if len(data) <= _SLICE and data.count(_END_OF_HEAD) <= 1:
            self._feed(data)
        elif self._reading is _HEAD and self._is_fresh and is_endless(data, self._head_limit):
            self._refuse(414 if data.find(b"\n", 0, self._limits.url_bytes) < 0 else 431)
        else:
            self._feed_in_parts(data)
        self._incoming = b""
        if self._reading is _NOTHING and not self._is_answering:
            # The rest of a body whose request was answered before: the connection is idle again.
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        elif len(data) < SMALL_READ and self._reading is not _NOTHING:
            self._slow.count_small_read(self.flow, self.transport, since=self._since)

    def _feed_in_parts(self, data: bytes) -> None:
        """Parse in parts that end where a request may end, so that no more requests are parsed than may wait."""
        start = 0
        while start < len(data) and not (self._refused or self._due or self.transport.is_closing()):
            if len(self.pipeline) >= _PIPELINED:
                self._unread = data[start:]
                self.flow.pause_reading()
                return
            least = _BODY_PART if self._reading is _BODY else 0
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
        if self._reading is not _HEAD:
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
        if self._reading is not _HEAD:
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
        self._reading = _BODY
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
        self._reading = _NOTHING
        self._start()
        super().on_message_complete()

    def _start(self) -> None:
        if not self._is_started:
            self._is_started = True
            self._start_asgi_task(self.cycle, self.app)

    def on_response_complete(self) -> None:
        if self._refused:
            return
        if self._reading is not _BODY:
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

    @property
    def waiting_since(self) -> float | None:
        """Since when the connection has waited for the client; None while this side works on its request."""
        if self._refused or self._closing_since is not None:
            return 0.0
        if self._write_since is not None:
            return self._write_since
        if (self._reading is _BODY and not self._due) or not self._is_answering:
            return self._since
        return None

    def check_deadlines(self, now: float) -> None:
        if self._refused:
            return
        if self.transport.is_closing():  # unsent bytes keep a closed transport open
            self._closing_since = self._closing_since or now
            if now - self._closing_since > self._limits.linger_seconds:
                self.transport.abort()
        elif self._write_since is not None:
            if now - self._write_since > self._limits.write_seconds:
                self.transport.abort()
        elif self._reading is _HEAD:
            if not self._is_answering and now - self._since > self._limits.head_seconds:
                self._refuse(408)
        elif self._reading is _BODY:
            late = now - self._since > self._limits.body_seconds
            is_consuming = self.flow.read_paused and not self._slow.is_paused  # of bytes that were received
            if late and not (is_consuming or self._due):
                self._refuse(408)

    def evict(self) -> None:
        if self._refused or self._owes_answers or self.transport.is_closing():
            self.transport.abort()
        else:
            self._refuse(503)

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        self._reading = _HEAD
        self._since = self.loop.time()
        self._head_bytes = 0
        self._is_fresh = True

    def _feed(self, data: bytes) -> None:
        reading, messages = self._reading, self._messages
        self._unset_keepalive_if_required()
        if self._line or reading is _NOTHING or (reading is _HEAD and self._is_fresh):
            begun = self._line + data
            self._line = b"" if b"\n" in data else begun[: self._limits.url_bytes]
            if OTHER_PROTOCOL.match(begun):
                self._reading = _HEAD
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
        if reading is _HEAD and self._reading is _HEAD:
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes:
                self._refuse(431)
        elif reading is _BODY:
            self._body_bytes += len(data)
            if self._body_bytes > self._limits.request_bytes:
                self._refuse(413)

    def _reject(self, status: int) -> None:
        self._refusal = status
        raise _Refused

    @property
    def _owes_answers(self) -> bool:
        """Whether responses to requests before the current one are outstanding."""
        return bool(self.pipeline) or (self._is_answering and self._reading is not _BODY)

    def _refuse(self, status: int) -> None:
        """Send a refusal after the outstanding responses, if still possible, then close."""
        if self._owes_answers:
            self._due = status
            self._unread = b""
            if self._reading is _BODY:
                self.pipeline.popleft()
            return
        answering = self._is_answering
        silent = (status in (408, 503) and not self._messages) or (not answering and self._reading is not _HEAD)
        self._end(status, silent=silent and not (status == 503 and self._reading is _HEAD))

    def _end(self, status: int, *, silent: bool) -> None:
        self._refused = True
        self._unset_keepalive_if_required()
        if self._is_answering and self._running is not None and not self._due:
            started = self._running.response_started and not self._running.response_complete
            self._running.disconnected = True
            self._running.message_event.set()
            if started:
                self.transport.abort()
                return
        if not silent:
            self.transport.write(self._table.answer_refusal(status, as_page=self._wants_page()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(self._limits.linger_seconds * (1 + self._table.next_moment()), self.transport.abort)

    def _wants_page(self) -> bool:
        """Whether the client wants a page, according to the bytes received so far."""
        return wants_page(self.url, self.headers, self._incoming)

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > _DISCARDED and not self.transport.is_closing():
            self.flow.pause_reading()


def bounded_protocol(table: ConnectionTable) -> type[asyncio.Protocol]:
    """Protocol factory for uvicorn's `http` setting, called for each new connection."""

    def create(**kwargs: Any) -> BoundedProtocol:
        return BoundedProtocol(**kwargs, table=table)

    return cast("type[asyncio.Protocol]", create)
